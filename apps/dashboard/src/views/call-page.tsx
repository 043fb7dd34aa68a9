import type { Attempt, CallStory } from '@spillway/gateway-api'
import type { ComponentChildren, JSX } from 'preact'
import { useResource } from '../api/use-resource.ts'
import { exactMoney, money } from '../format/money.ts'
import { duration, wholeTime } from '../format/time.ts'
import { failureWords, words } from '../format/words.ts'
import { place } from '../place.ts'
import { formatPlace } from '../routing.ts'
import { Badge } from '../ui/badge.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Money } from '../ui/money.tsx'
import { Panel } from '../ui/panel.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { Tenant } from '../ui/tenant.tsx'
import { Tokens } from '../ui/tokens.tsx'
import { CallContent } from './call-content.tsx'
import { Outcome } from './outcome.tsx'
import { Waterfall } from './waterfall.tsx'

/** Everything that is known of one call, and why it went as it did. */
export function CallPage({ id }: { readonly id: string }): JSX.Element {
  const story = useResource<CallStory>(`api/calls/${encodeURIComponent(id)}`)
  const { range, span, search } = place.value
  return (
    <>
      <p>
        <a href={formatPlace({ view: 'calls', range, span, search })}>All calls</a>
      </p>
      <Loaded of={story}>{(data) => <Story of={data} />}</Loaded>
    </>
  )
}

function Story({ of }: { readonly of: CallStory }): JSX.Element {
  const { call, attempts, refusals, waits, losses, isRemembered, hasContent } = of
  const hasProblem = call.failure !== null || call.fallback !== null
  return (
    <>
      <Stats>
        <Stat label="Total" value={duration(call.totalMs)} detail={<Outcome call={call} />} />
        <Stat label="First token" value={duration(call.firstContentMs)} />
        <Stat label="Attempts" value={String(call.attempts)} detail={answeredBy(call)} />
        <Stat
          label="Cost"
          value={money(call.costNano)}
          exact={exactMoney(call.costNano)}
          detail={
            <>
              <Tokens of={call.tokens} /> tokens{call.estimated && ', estimated'}
            </>
          }
        />
      </Stats>
      <Panel title="What happened">
        <Waterfall call={call} attempts={attempts} waits={waits} />
        {refusals.length > 0 && (
          <>
            <h3>Not tried</h3>
            <ul class="refusals">
              {refusals.map(({ target, failure, message }) => (
                <li key={`${target} ${failure} ${message}`}>
                  <b>{target ?? 'the gateway'}</b> <Badge tone="warn">{failureWords(failure)}</Badge>{' '}
                  {message}
                </li>
              ))}
            </ul>
          </>
        )}
        {losses.length > 0 && (
          <p>
            <Badge tone="warn">degraded</Badge> Lost on the way to a target that can do less:{' '}
            {losses.map(words).join(', ')}.
          </p>
        )}
        {hasProblem && !isRemembered && (
          <p class="quiet">
            The words of the vendor are kept in memory for the latest calls with problems alone, since they
            may quote the prompt; those of this one are gone. Its code and the id of the request remain.
          </p>
        )}
      </Panel>
      <Panel title="Attempts">
        <ol class="attempts">
          {attempts.map((attempt) => (
            <AttemptFacts key={`${attempt.number} ${attempt.role} ${attempt.at}`} of={attempt} />
          ))}
        </ol>
      </Panel>
      <CallFacts of={of} />
      {hasContent && <CallContent key={call.id} id={call.id} />}
    </>
  )
}

function answeredBy({ target, failure }: CallStory['call']): string {
  if (target === null) return 'no target answered'
  return failure === null || failure === 'cancelled'
    ? `${target} answered`
    : `the error of ${target} was passed on`
}

function AttemptFacts({ of }: { readonly of: Attempt }): JSX.Element {
  const { number, role, target, endpoint, failure, status, message, code, requestId } = of
  return (
    <li class="attempt">
      <header>
        <b>
          {number}. {target ?? 'unknown'}
          {endpoint !== null && endpoint !== '1' && <span class="quiet"> / {endpoint}</span>}
        </b>
        <Badge tone="plain">{words(role)}</Badge>
        {failure === null ? (
          <Badge tone="good">ok</Badge>
        ) : (
          <Badge tone={failure === 'cancelled' ? 'plain' : 'bad'}>{failureWords(failure)}</Badge>
        )}
      </header>
      {message !== null && <blockquote class="said">{message}</blockquote>}
      <dl class="facts">
        <Fact name="Status" value={status} />
        <Fact name="Vendor’s code" value={code} />
        <Fact name="Request id" value={requestId} />
        <Fact name="Model" value={modelOf(of.modelAsked, of.modelAnswered)} />
        <Fact name="First token" value={of.firstContentMs === null ? null : duration(of.firstContentMs)} />
        <Fact name="Took" value={duration(of.totalMs)} />
        <Fact name="Ended with" value={of.stopReason} />
        <Fact name="Tokens" value={<Tokens of={of.tokens} />} />
        {of.costNano !== null && (
          <Fact name="Cost" value={<Money nano={of.costNano} estimated={of.estimated} />} />
        )}
      </dl>
    </li>
  )
}

function CallFacts({ of: { call, api, operation } }: { readonly of: CallStory }): JSX.Element {
  const { range, span } = place.value
  const link = (name: string, value: string, shown: ComponentChildren = value): JSX.Element => (
    <a href={formatPlace({ view: 'calls', range, span, search: { [name]: value } })}>{shown}</a>
  )
  const { tenant, tenantName } = call
  return (
    <Panel title="The call">
      <dl class="facts">
        <Fact name="Id" value={<span class="model">{call.id}</span>} />
        <Fact name="Began" value={wholeTime(call.at)} />
        <Fact name="Protocol" value={`${api}, ${words(operation)}${call.stream ? ', streamed' : ''}`} />
        <Fact name="Status" value={call.status} />
        <Fact name="Model" value={modelOf(call.model, call.modelAnswered)} />
        <Fact
          name="Tenant"
          value={tenant && link('tenant', tenant, <Tenant id={tenant} name={tenantName} />)}
        />
        <Fact name="Conversation" value={call.session === null ? null : link('session', call.session)} />
      </dl>
    </Panel>
  )
}

function Fact({
  name,
  value,
}: {
  readonly name: string
  readonly value: ComponentChildren
}): JSX.Element | null {
  if (value === null || value === undefined) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function modelOf(asked: string, answered: string | null): JSX.Element {
  return (
    <span class="model">
      {asked}
      {answered !== null && answered !== asked && <span class="quiet"> answered by {answered}</span>}
    </span>
  )
}
