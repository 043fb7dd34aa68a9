import type { GaugeSource } from '@spillway/telemetry'
import type { RunningEndpoint } from '../endpoint.ts'
import type { Books } from '../ledger/books.ts'
import type { RunningTarget } from '../targets.ts'

const circuitStates = ['closed', 'half_open', 'open'] as const

/** What is looked at when metrics are collected. Labels are names of the configuration, and states. */
export function gatewayGauges(
  targets: ReadonlyMap<string, RunningTarget>,
  books: Books,
): Readonly<Record<string, GaugeSource>> {
  const endpoints = [...targets.values()].flatMap((target) =>
    target.endpoints.map((endpoint) => ({
      endpoint,
      labels: { 'spillway.target': target.name, 'spillway.endpoint': endpoint.name },
    })),
  )
  const each = <T>(read: (endpoint: RunningEndpoint) => readonly { value: number; more: T }[]) =>
    endpoints.flatMap(({ endpoint, labels }) =>
      read(endpoint).map(({ value, more }) => ({ value, attributes: { ...labels, ...more } })),
    )
  const one = (value: number): { value: number }[] => [{ value }]
  return {
    'spillway.circuits': {
      description: 'Circuits by state: one for each model of an endpoint, and one for its key',
      read: () =>
        each(({ breaker }) =>
          breaker === undefined
            ? []
            : circuitStates.map((state) => ({
                value: breaker.states().filter((circuit) => circuit.state === state).length,
                more: { 'spillway.circuit.state': state },
              })),
        ),
    },
    'spillway.limiter.headroom': {
      description: 'What is left of a limit, 0 to 1',
      read: () =>
        each(({ headroom }) =>
          Object.entries(headroom()).map(([limit, room]) => ({
            value: Math.max(0, 1 - room.used / room.limit),
            more: { 'spillway.limit': limit },
          })),
        ),
    },
    'spillway.ledger.away': {
      description: '1 while the database of the ledger does not answer',
      read: () => one(books.health().isAway ? 1 : 0),
    },
    'spillway.ledger.buffered': {
      description: 'Rows of the ledger that wait in memory',
      read: () => one(books.health().buffered),
    },
    'spillway.ledger.journal': {
      description: 'What waits on disk for the database',
      unit: 'By',
      read: () => one(books.health().journalBytes),
    },
    'spillway.ledger.lost': {
      description: 'Rows that neither the database nor the journal could take',
      read: () => one(books.health().lost),
    },
  }
}
