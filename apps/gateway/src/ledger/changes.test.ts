import type { ChangeRow } from '@spillway/ledger'
import type { SpillwayEvent } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import type { RunningTarget } from '../targets.ts'
import { changesOfCalls } from './changes.ts'

const event = (type: string, more: object): SpillwayEvent =>
  ({ type, at: 0, callId: 'c', target: 'claude', ...more }) as unknown as SpillwayEvent

const refused = event('attempt.ended', { outcome: { failure: { kind: 'rate_limited' } } })

function heard(groups: () => readonly { group: string; closedMs: number }[]) {
  const clock = virtualClock()
  const rows: ChangeRow[] = []
  const endpoint = { name: 'eu', limitGroups: groups }
  const targets = new Map([['claude', { endpoints: [endpoint] } as unknown as RunningTarget]])
  return { clock, rows, hear: changesOfCalls(targets, clock, (row) => rows.push(row)) }
}

it('an endpoint that is left out is booked with why and until when, and that it is well again', () => {
  const { clock, rows, hear } = heard(() => [])
  hear(event('endpoint.ejected', { endpoint: 'eu', reason: 'failures', forMs: 30_000 }))
  hear(event('endpoint.recovered', { endpoint: 'eu' }))
  expect(rows).toMatchObject([
    {
      ...{ kind: 'endpoint', target: 'claude', endpoint: 'eu', was: 'in use', became: 'left out' },
      ...{ reason: 'failures', until: Math.round(clock.epoch() + 30_000) },
    },
    { kind: 'endpoint', endpoint: 'eu', was: 'left out', became: 'in use', until: null },
  ])
})

it('a limit that a 429 closes is booked once, however many calls it refuses, and again when it is longer', async () => {
  let closedMs = 20_000
  const { clock, rows, hear } = heard(() => [
    { group: 'opus', closedMs },
    { group: 'haiku', closedMs: 0 },
  ])
  for (let call = 0; call < 5; call++) hear(refused)
  await clock.advance(10)
  expect(rows).toMatchObject([
    { kind: 'limit', endpoint: 'eu', subject: 'opus', was: 'open', became: 'closed', reason: 'rate_limited' },
  ])
  closedMs = 60_000
  hear(refused)
  await clock.advance(10)
  expect(rows).toHaveLength(2)
})

it('other failures and calls without a target are no change', async () => {
  const { clock, rows, hear } = heard(() => [{ group: '', closedMs: 5000 }])
  hear(event('attempt.ended', { outcome: { failure: { kind: 'server' } } }))
  hear({ ...refused, target: undefined } as SpillwayEvent)
  hear(event('endpoint.ejected', { target: undefined, endpoint: 'eu', reason: 'failures', forMs: 1 }))
  await clock.advance(10)
  expect(rows).toEqual([])
})
