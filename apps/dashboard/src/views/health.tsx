import type { CircuitView, EndpointView, LiveCircuit, Targets } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { percent } from '../format/number.ts'
import { ago } from '../format/time.ts'
import { title, words } from '../format/words.ts'
import { feed } from '../live/feed-of-page.ts'
import { Badge, type Tone } from '../ui/badge.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Meter } from '../ui/meter.tsx'
import { Panel } from '../ui/panel.tsx'
import { Time } from '../ui/time.tsx'
import { Changes } from './changes.tsx'

const tones: Readonly<Record<CircuitView['state'], Tone>> = {
  closed: 'good',
  half_open: 'warn',
  open: 'bad',
}

/** The targets as they are now, and what has become of them in the time that is shown. */
export function Health(): JSX.Element {
  const changed = feed.circuit.value
  return (
    <>
      <Now changed={changed} />
      <Changes reload={changed?.circuit.since ?? 0} />
    </>
  )
}

/** Circuits and how they came to be so, limits and what is left of them. */
function Now({ changed }: { readonly changed: LiveCircuit | undefined }): JSX.Element {
  const targets = useResource<Targets>(apiPath('targets'), 5_000)
  const { reload } = targets
  // A circuit that changed is the reason to ask again.
  useEffect(() => {
    if (changed !== undefined) reload()
  }, [changed])
  return (
    <Loaded of={targets}>
      {(data) => (
        <>
          {data.shared !== undefined && <Shared limits={data.shared.limits} />}
          {data.targets.length === 0 && <NoTargets />}
          {data.targets.map(({ name, api, endpoints }) => (
            <Panel key={name} title={name} aside={<Badge tone="plain">{api}</Badge>}>
              <div class="endpoints">
                {endpoints.map((endpoint) => (
                  <Endpoint key={endpoint.name} endpoint={endpoint} isOnly={endpoints.length === 1} />
                ))}
              </div>
            </Panel>
          ))}
        </>
      )}
    </Loaded>
  )
}

function Shared({ limits }: { readonly limits: string }): JSX.Element {
  const isWell = limits === 'shared'
  return (
    <p class="strip" role="status">
      <Badge tone={isWell ? 'good' : 'warn'}>{words(limits)}</Badge>
      {isWell
        ? 'Limits and circuits are shared with the other gateways over Redis.'
        : 'Redis is unavailable. Calls continue with this gateway’s local share of the limits.'}
    </p>
  )
}

function NoTargets(): JSX.Element {
  return (
    <Empty
      title="No targets"
      where="In spillway.yaml"
      code={
        'targets:\n  claude:\n    api: anthropic\n    endpoints:\n      - { url: "https://api.anthropic.com", credential: "env:ANTHROPIC_API_KEY" }'
      }
    >
      A target is an upstream that answers calls.
    </Empty>
  )
}

function Endpoint(props: { readonly endpoint: EndpointView; readonly isOnly: boolean }): JSX.Element {
  const { name, url, circuits, headroom, limitGroups = [], share, ejectedUntil } = props.endpoint
  const now = Date.now()
  const limits = Object.entries(headroom)
  return (
    <article class="endpoint">
      <header>
        {!props.isOnly && <h3>{name}</h3>}
        <span class="url">{url}</span>
        {share !== undefined && <span class="quiet">{percent(share)} of the calls</span>}
        {ejectedUntil !== undefined && ejectedUntil > now && (
          <Badge tone="bad">
            left out until <Time at={ejectedUntil} />
          </Badge>
        )}
        {limitGroups.map(({ group, closedUntil = 0 }) =>
          closedUntil > now ? (
            <Badge key={group} tone="bad">
              {group || 'all models'} limited until <Time at={closedUntil} />
            </Badge>
          ) : null,
        )}
      </header>
      {limits.length > 0 && (
        <div class="meters">
          {limits.map(([limit, { used, limit: most }]) => (
            <Meter key={limit} label={title(limit)} used={used} limit={most} />
          ))}
        </div>
      )}
      {circuits.length === 0 ? (
        <p class="quiet">No circuit yet: each model gets one with its first call.</p>
      ) : (
        <ul class="circuits">
          {circuits.map((circuit) => (
            <Circuit key={circuit.key} circuit={circuit} now={now} />
          ))}
        </ul>
      )}
    </article>
  )
}

function Circuit({ circuit, now }: { readonly circuit: CircuitView; readonly now: number }): JSX.Element {
  const { key, scope, state, forced, since, failureRate, history } = circuit
  return (
    <li>
      <div class="circuit">
        <span class="model">{scope === 'key' ? `${key} (whole key)` : key}</span>
        <Badge tone={tones[state]}>{forced ? `${words(state)}, forced` : words(state)}</Badge>
        <span class="quiet">since {ago(since, now)}</span>
        <span class="numbers">
          {failureRate === null ? 'too few calls to judge' : `${percent(failureRate)} fail`}
        </span>
      </div>
      {history.length > 0 && (
        <details>
          <summary>
            {history.length === 1 ? 'One change' : `${history.length} changes`}
            <span class="unseen"> of {key}</span>
          </summary>
          <ol class="history">
            {history.slice(0, 50).map(({ at, from, to, reason }) => (
              <li key={`${at} ${to}`}>
                <Time at={at} />
                <span>
                  {words(from)} → <b>{words(to)}</b>
                </span>
                <span class="quiet">{words(reason)}</span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  )
}
