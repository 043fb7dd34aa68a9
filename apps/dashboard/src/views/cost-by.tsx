import type { Series } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { apiPath } from '../api/read-api.ts'
import { useResource } from '../api/use-resource.ts'
import { dollarsForChart, moneyOfChart } from '../format/money.ts'
import { place } from '../place.ts'
import { rangeParameters } from '../routing.ts'
import { Chart } from '../ui/chart.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Panel } from '../ui/panel.tsx'
import { openCalls, zoom } from './spike.ts'

const tones = ['first', 'second', 'third', 'warn'] as const

/** Cost over time of the groups that cost most, and of all others. */
export function CostBy({ by }: { readonly by: Series['by'] }): JSX.Element {
  const parameters = { by, limit: String(tones.length), ...rangeParameters(place.value) }
  const series = useResource<Series>(apiPath('series', parameters), 30_000)
  return (
    <Loaded of={series}>
      {({ times, series: groups, other }) => {
        const lines = [
          ...groups.map(({ key, name, points }, index) => ({
            ...{ label: name ?? (key || 'none'), tone: tones[index] ?? 'first', kind: 'line' as const },
            values: points.map(({ costNano }) => dollarsForChart(costNano)),
          })),
          ...(other === undefined
            ? []
            : [
                {
                  ...({ label: 'others', tone: 'bad', kind: 'line', dashed: true } as const),
                  values: other.points.map(({ costNano }) => dollarsForChart(costNano)),
                },
              ]),
        ]
        if (groups.length < 2) return null
        return (
          <Panel title={`Cost by ${by} over time`}>
            <Chart
              title={`Cost by ${by} over time`}
              times={times}
              series={lines}
              format={moneyOfChart}
              onZoom={zoom}
              onPick={openCalls}
              summary={`The cost of ${groups.length} groups.`}
            />
          </Panel>
        )
      }}
    </Loaded>
  )
}
