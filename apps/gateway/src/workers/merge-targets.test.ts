import type { CircuitView, EndpointView, Targets } from '@spillway/gateway-api'
import { expect, it } from 'vitest'
import { mergeTargets } from './merge-targets.ts'

const circuit = (state: CircuitView['state'], at: number): CircuitView => ({
  ...{ key: 'm', scope: 'model', state, forced: false, since: at, failureRate: null },
  history: [{ at, from: 'closed', to: state, reason: 'shared' }],
})

const view = (endpoint: Partial<EndpointView>, limits = 'shared'): Targets => ({
  targets: [
    {
      ...{ name: 't', api: 'anthropic' },
      endpoints: [{ name: '1', url: 'http://a', circuits: [], headroom: {}, ...endpoint }],
    },
  ],
  shared: { limits },
})

it('shows the worst of each circuit, with what all workers saw of it', () => {
  const merged = mergeTargets([
    view({ circuits: [circuit('half_open', 2)] }),
    view({ circuits: [circuit('open', 1)] }),
    view({}),
  ])
  expect(merged.targets[0]?.endpoints[0]?.circuits).toMatchObject([
    { state: 'open', since: 1, history: [{ at: 1 }, { at: 2 }] },
  ])
})

it('shows of limits what most of is used, and the latest end of a closure', () => {
  const group = (used: number, closedUntil: number) => ({
    ...{ group: 'opus', headroom: { requests: { used, limit: 10 } }, closedUntil },
    vendor: [{ name: 'requests', limit: 50, remaining: 50 - used, resetAt: 1_000 }],
  })
  const merged = mergeTargets([
    view({ headroom: { requests: { used: 4, limit: 10 } }, limitGroups: [group(4, 900)], share: 0.2 }),
    view(
      { headroom: { requests: { used: 6, limit: 10 } }, limitGroups: [group(6, 800)], share: 0.4 },
      'local',
    ),
  ])
  expect(merged.shared).toEqual({ limits: 'local' })
  expect(merged.targets[0]?.endpoints[0]).toMatchObject({
    headroom: { requests: { used: 6 } },
    limitGroups: [{ closedUntil: 900, headroom: { requests: { used: 6 } }, vendor: [{ remaining: 44 }] }],
  })
  expect(merged.targets[0]?.endpoints[0]?.share).toBeCloseTo(0.3)
})
