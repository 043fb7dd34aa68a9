import type { Series } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { full } from '../format/number.ts'
import { duration } from '../format/time.ts'
import { place } from '../place.ts'
import { formatPlace } from '../routing.ts'
import { type Column, Table } from '../ui/table.tsx'

type Row = Series['series'][number]

interface LatencyTableProps {
  readonly of: 'firstContent' | 'total'
  readonly by: Series['by']
  readonly now: Series
  /** The same of the period before, where it is compared. */
  readonly past: Series | undefined
}

/** Percentiles of each group over the whole time, beside those of the period before. */
export function LatencyTable({ of, by, now, past }: LatencyTableProps): JSX.Element {
  const earlier = new Map(past?.series.map((row) => [row.key, row[of]]))
  const { range, span } = place.value
  const columns: Column<Row>[] = [
    {
      title: by === 'target' ? 'Target' : by === 'model' ? 'Model' : 'Tenant',
      cell: ({ key, name }) =>
        key === '' ? (
          <span class="quiet">{by === 'tenant' ? 'no key' : 'no target'}</span>
        ) : (
          <a
            class="row-link model"
            title={name ? key : undefined}
            href={formatPlace({ view: 'calls', range, span, search: { [by]: key } })}
          >
            {name ?? key}
          </a>
        ),
    },
    {
      title: 'Calls',
      numeric: true,
      cell: ({ points }) => full(points.reduce((sum, { calls }) => sum + calls, 0)),
    },
    ...(['p50', 'p95', 'p99'] as const).flatMap((which): Column<Row>[] => [
      { title: which, numeric: true, cell: (row) => duration(row[of][which]) },
      ...(past === undefined
        ? []
        : [
            {
              ...({
                title: `${which} before`,
                numeric: true,
                from: which === 'p95' ? undefined : 'tablet',
              } as const),
              cell: ({ key }: Row) => (
                <span class="quiet">{duration(earlier.get(key)?.[which] ?? null)}</span>
              ),
            },
          ]),
    ]),
  ]
  return <Table caption={`Latency by ${by}`} columns={columns} rows={now.series} rowKey={({ key }) => key} />
}
