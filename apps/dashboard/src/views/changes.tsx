import type { Changes as ChangesAnswer } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { duration, spanText } from '../format/time.ts'
import { words } from '../format/words.ts'
import { place } from '../place.ts'
import { formatPlace, rangeParameters } from '../routing.ts'
import { Badge, type Tone } from '../ui/badge.tsx'
import { Export } from '../ui/export.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Panel } from '../ui/panel.tsx'
import { Table } from '../ui/table.tsx'
import { Time } from '../ui/time.tsx'
import { type Change, stretchesOf } from './stretches.ts'

const tones: Readonly<Record<string, Tone>> = {
  open: 'bad',
  'left out': 'bad',
  closed: 'good',
  'in use': 'good',
  half_open: 'warn',
}

/** A closed circuit lets calls through, a closed limit does not. */
const toneOf = ({ kind, became }: Change): Tone => (kind === 'limit' ? 'bad' : (tones[became] ?? 'plain'))

/** Calls with problems from a minute before a change to a minute after it. */
const around = 60_000

/** What has become of circuits, limits and endpoints in the time that is shown. */
export function Changes({ reload }: { readonly reload: number }): JSX.Element {
  const parameters = { ...rangeParameters(place.value), limit: '1000' }
  const answer = useResource<ChangesAnswer>(apiPath('changes', parameters), 30_000, reload)
  return (
    <Panel title="What has changed" aside={<Export path="changes" parameters={parameters} />}>
      <Loaded of={answer}>
        {({ range, changes }) =>
          changes.length === 0 ? (
            <p class="quiet">No circuit, limit or endpoint has changed in this time.</p>
          ) : (
            <>
              <Stretches changes={changes} range={range} />
              <Table
                caption="Changes, newest first"
                rows={changes}
                rowKey={(change) => JSON.stringify(change)}
                columns={[
                  {
                    title: 'Time',
                    cell: ({ at }) => (
                      <a class="row-link" href={callsAround(at)} title="Calls with problems around it">
                        <Time at={at} />
                      </a>
                    ),
                  },
                  { title: 'Where', cell: (change) => <b>{placeOf(change)}</b> },
                  {
                    title: 'What',
                    from: 'tablet',
                    cell: ({ kind, subject }) => (
                      <>
                        {kind} {subject !== '' && <span class="model">{subject}</span>}
                      </>
                    ),
                  },
                  {
                    title: 'Became',
                    cell: (change) => <Badge tone={toneOf(change)}>{words(change.became)}</Badge>,
                  },
                  {
                    title: 'Why',
                    cell: ({ at, reason, until }) => (
                      <>
                        {words(reason)}
                        {until !== null && <span class="quiet"> for {duration(until - at)}</span>}
                      </>
                    ),
                  },
                ]}
              />
            </>
          )
        }
      </Loaded>
    </Panel>
  )
}

const placeOf = ({ target, endpoint }: Change): string =>
  endpoint === '1' ? target : `${target}/${endpoint}`

function callsAround(at: number): string {
  const span = { from: at - around, to: at + around }
  return formatPlace({ view: 'calls', range: place.value.range, span, search: { problems: 'true' } })
}

/** Subjects that are drawn; the table has all. */
const mostDrawn = 12

/** When circuits were open, limits closed and endpoints left out, over the time that is shown. */
function Stretches({
  changes,
  range,
}: {
  readonly changes: readonly Change[]
  readonly range: ChangesAnswer['range']
}): JSX.Element | null {
  const subjects = stretchesOf(changes, { from: range.from, to: Math.min(range.to, Date.now()) })
  if (subjects.length === 0) return null
  const length = Math.max(1, range.to - range.from)
  const share = (ms: number): string => `${Math.min(100, Math.max(0, (ms / length) * 100))}%`
  return (
    <ol class="waterfall">
      {subjects.slice(0, mostDrawn).map(({ change, stretches, ms }) => (
        <li key={`${change.kind} ${placeOf(change)} ${change.subject}`}>
          <span class="waterfall-name" title={`${change.kind} ${change.subject}`}>
            {placeOf(change)} <span class="quiet">{change.subject || change.kind}</span>
          </span>
          <span
            class="track"
            role="img"
            aria-label={`${change.kind} of ${placeOf(change)} ${change.subject}: ${stretches
              .map(({ from, to, state }) => `${words(state)} ${spanText(from, to)}`)
              .join(', ')}`}
          >
            {stretches.map(({ from, to, state }) => (
              <span
                key={from}
                data-tone={state === 'half_open' ? 'warn' : 'bad'}
                title={`${words(state)} for ${duration(to - from)}`}
                style={{ left: share(from - range.from), width: `max(2px, ${share(to - from)})` }}
              />
            ))}
          </span>
          <span class="numbers" title="together">
            {duration(ms)}
          </span>
        </li>
      ))}
    </ol>
  )
}
