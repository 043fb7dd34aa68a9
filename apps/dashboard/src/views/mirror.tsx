import type { MirrorSide, Mirrors } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { compact, full, percent, ratio } from '../format/number.ts'
import { duration } from '../format/time.ts'
import { failureWords } from '../format/words.ts'
import { place } from '../place.ts'
import { formatPlace, rangeParameters } from '../routing.ts'
import { Badge } from '../ui/badge.tsx'
import { Empty } from '../ui/empty.tsx'
import { Export } from '../ui/export.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Money } from '../ui/money.tsx'
import { Panel } from '../ui/panel.tsx'
import { Stat, Stats } from '../ui/stat.tsx'
import { Table } from '../ui/table.tsx'
import { Time } from '../ui/time.tsx'

/** A target and its candidate, side by side on the same calls. */
export function Mirror(): JSX.Element {
  const mirrors = useResource<Mirrors>(apiPath('mirror', rangeParameters(place.value)), 30_000)
  return (
    <Loaded of={mirrors}>
      {(data) =>
        data.mirrors.length === 0 ? (
          <Empty
            title="Nothing is mirrored"
            where="In spillway.yaml"
            code={'mirror:\n  - { from: claude, to: candidate, sample: 0.05 }'}
          >
            A mirror sends a sample of a target’s calls to a second one as well, and compares the answers.
            Callers never see the second answer, nor wait for it.
          </Empty>
        ) : (
          data.mirrors.map((mirror) => <Comparison key={`${mirror.from} ${mirror.to}`} mirror={mirror} />)
        )
      }
    </Loaded>
  )
}

type OneMirror = Mirrors['mirrors'][number]

interface Measure {
  readonly name: string
  readonly show: (side: MirrorSide) => JSX.Element | string
  readonly value: (side: MirrorSide) => number | null
}

function Comparison({ mirror }: { readonly mirror: OneMirror }): JSX.Element {
  const { from, to, sample, comparisons, dropped, primary, candidate, similarity, newest } = mirror
  const measures: readonly Measure[] = [
    {
      name: 'Failures',
      show: ({ failures }) => `${compact(failures)} (${percent(ratio(failures, comparisons))})`,
      value: ({ failures }) => failures,
    },
    ...(['p50', 'p95'] as const).map((which) => ({
      name: `First token, ${which}`,
      show: ({ firstContent }: MirrorSide) => duration(firstContent[which]),
      value: ({ firstContent }: MirrorSide) => firstContent[which],
    })),
    ...(['p50', 'p95', 'p99'] as const).map((which) => ({
      name: `Total, ${which}`,
      show: ({ total }: MirrorSide) => duration(total[which]),
      value: ({ total }: MirrorSide) => total[which],
    })),
    {
      name: 'Output tokens',
      show: ({ outputTokens }) => compact(outputTokens),
      value: ({ outputTokens }) => outputTokens,
    },
    {
      name: 'Cost',
      show: ({ costNano }) => <Money nano={costNano} />,
      value: ({ costNano }) => (costNano === null ? null : Number(costNano)),
    },
  ]
  return (
    <Panel
      title={`${from} and ${to}`}
      note={
        sample === null
          ? 'This mirror is not in the configuration any more.'
          : `${percent(sample)} of the calls of ${from} are sent to ${to} as well.`
      }
      aside={<Export path="mirror" parameters={rangeParameters(place.value)} />}
    >
      <Stats>
        <Stat label="Comparisons" value={compact(comparisons)} exact={full(comparisons)} />
        <Stat label="Similarity of the texts" value={percent(similarity)} />
        <Stat
          label="Not mirrored"
          value={compact(dropped)}
          exact={full(dropped)}
          detail="since the gateway started; callers come first"
        />
      </Stats>
      {comparisons === 0 ? (
        <p class="quiet">
          Nothing was compared in this time. A comparison appears when a sampled call has ended on both sides.
        </p>
      ) : (
        <Table
          caption={`${from} and ${to} compared`}
          rows={measures}
          rowKey={({ name }) => name}
          columns={[
            { title: 'Measure', cell: ({ name }) => name },
            { title: from, numeric: true, cell: ({ show }) => show(primary) },
            { title: to, numeric: true, cell: ({ show }) => show(candidate) },
            {
              title: 'Difference',
              numeric: true,
              cell: ({ value }) => difference(value(primary), value(candidate)),
            },
          ]}
        />
      )}
      {newest.length > 0 && <Newest mirror={mirror} />}
    </Panel>
  )
}

/** Single comparisons, each with the call that it is of. */
function Newest({ mirror: { from, to, newest } }: { readonly mirror: OneMirror }): JSX.Element {
  const { range, span } = place.value
  return (
    <>
      <h3>The newest</h3>
      <Table
        caption={`The newest comparisons of ${from} and ${to}`}
        rows={newest}
        rowKey={({ callId, at }) => `${callId} ${at}`}
        columns={[
          {
            title: 'Time',
            cell: ({ at, callId }) => (
              <a
                class="row-link"
                href={formatPlace({ view: 'calls', item: callId, range, span, search: {} })}
              >
                <Time at={at} />
              </a>
            ),
          },
          { title: 'Model', from: 'tablet', cell: ({ model }) => <span class="model">{model}</span> },
          {
            title: 'Similarity',
            numeric: true,
            cell: ({ similarity, candidateFailure }) =>
              candidateFailure === null ? (
                percent(similarity)
              ) : (
                <Badge tone="bad">{failureWords(candidateFailure)}</Badge>
              ),
          },
          { title: from, numeric: true, cell: ({ primaryMs }) => duration(primaryMs) },
          { title: to, numeric: true, cell: ({ candidateMs }) => duration(candidateMs) },
        ]}
      />
    </>
  )
}

/** How much more the candidate has, or less. Less is better in every row, so colours would only repeat the sign. */
function difference(primary: number | null, candidate: number | null): string {
  if (primary === null || candidate === null || primary === 0) return '–'
  const change = candidate / primary - 1
  if (Math.abs(change) < 0.005) return 'same'
  if (change >= 9) return `×${compact(Math.round(change + 1))}`
  return `${change > 0 ? '+' : '−'}${Math.round(Math.abs(change) * 100)}%`
}
