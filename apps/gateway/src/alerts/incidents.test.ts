import { keyCircuit } from '@spillway/circuit-breaker-fallback'
import type { Targets } from '@spillway/gateway-api'
import { expect, it } from 'vitest'
import { incidentsOf } from './incidents.ts'

const none: Targets = { targets: [], shared: { limits: 'shared' } } as unknown as Targets
const well = { ledger: 'ok', limits: 'shared', vault: 'ok' }

it('says nothing of a gateway that is well, nor of one without storage, Redis and vault', () => {
  expect(incidentsOf(none, well, 5)).toEqual([])
  expect(incidentsOf(none, {}, 5)).toEqual([])
})

it.each([
  [{ ledger: 'journal' }, 'ledger', 'rows wait in the journal on disk'],
  [{ ledger: 'memory' }, 'ledger', 'rows wait in memory'],
  [{ audit: 'journal' }, 'audit', 'the audit log takes no entries'],
  [{ lost: 7 }, 'rows_lost', '7 rows are lost'],
  [{ vault: 'unreadable' }, 'vault', 'the vault cannot be opened: unreadable'],
  [{ unusable: 2 }, 'credential', 'credentials that cannot be used: 2'],
])('tells of %j as critical', (state, kind, message) => {
  expect(incidentsOf(none, { ...well, ...state }, 5)).toMatchObject([
    { kind, severity: 'critical', message: expect.stringContaining(message) },
  ])
})

it('tells of Redis that is unavailable as a warning, after what is critical', () => {
  const alerts = incidentsOf(none, { ...well, limits: 'local', vault: 'unreadable' }, 5)
  expect(alerts.map(({ kind, severity }) => [kind, severity])).toEqual([
    ['vault', 'critical'],
    ['redis', 'warning'],
  ])
})

it('tells of circuits that are not closed, of limits while they are closed, and of endpoints while they are left out', () => {
  const circuit = (state: string, scope = 'model', key = 'claude-opus-5') => ({
    ...{ key, scope, state, since: 1, forced: false, failureRate: null },
    history: [{ at: 1, from: 'closed', to: state, reason: 'failure_rate' }],
  })
  const endpoint = {
    name: '1',
    circuits: [
      circuit('closed'),
      circuit('open'),
      circuit('open', 'key', keyCircuit),
      circuit('open', 'key', 'a caller'),
    ],
    limitGroups: [
      { group: 'opus', closedUntil: 9 },
      { group: '', closedUntil: 5 },
    ],
    ejectedUntil: 6,
  }
  const targets = { ...none, targets: [{ name: 'claude', endpoints: [endpoint] }] } as unknown as Targets
  expect(incidentsOf(targets, well, 5).map(({ message, subject }) => [subject, message])).toEqual([
    ['claude/1', 'the circuit of claude-opus-5 is open (failure_rate)'],
    ['claude/1', 'the key is refused (failure_rate)'],
    ['claude/1', "the vendor's limit of opus is closed until 1970-01-01T00:00:00.009Z"],
    ['claude/1', 'ejected, since it does worse than the others, until 1970-01-01T00:00:00.006Z'],
  ])
  expect(incidentsOf(targets, well, 10)).toHaveLength(2)
})
