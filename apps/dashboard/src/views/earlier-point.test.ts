import type { SeriesPoint } from '@spillway/gateway-api'
import { expect, it } from 'vitest'
import { earlierPoint } from './earlier-point.ts'

const none = { p50: null, p95: null, p99: null }
const nothing = { calls: 0, errors: 0, fallbacks: 0, costNano: '0', firstContent: none, total: none }
const points = (from: number, step: number, count: number): SeriesPoint[] =>
  Array.from({ length: count }, (_, index) => ({ ...nothing, at: from + index * step }))

it('a point is compared with the same time of the period before, whatever the steps of that', () => {
  const shown = { range: { from: 96, to: 192 } }
  for (const step of [2, 1, 0.5]) {
    const past = { range: { from: 0, to: 96 }, series: points(0, step, 96 / step) }
    const found = points(96, 2, 48).map(({ at }) => earlierPoint(past, shown, at)?.at)
    expect(found).toEqual(points(0, 2, 48).map(({ at }) => at))
  }
  expect(earlierPoint({ range: { from: 0, to: 96 }, series: [] }, shown, 100)).toBeUndefined()
})
