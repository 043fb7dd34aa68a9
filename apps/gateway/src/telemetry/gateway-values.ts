import { keyCircuit } from '@spillway/circuit-breaker-fallback'
import type { WriterState } from '@spillway/ledger'
import type { ObservedValue } from '@spillway/telemetry'
import type { RunningEndpoint } from '../endpoint.ts'
import type { Books } from '../ledger/books.ts'
import type { RunningMirror } from '../routes.ts'
import type { RunningTarget } from '../targets.ts'

const circuitStates = ['closed', 'half_open', 'open'] as const

/** What is read. */
export interface Running {
  readonly targets: ReadonlyMap<string, RunningTarget>
  readonly mirrors: readonly RunningMirror[]
  readonly books: Books
  /** By stream. */
  readonly droppedLines?: (() => Readonly<Record<string, number>>) | undefined
}

/** What is looked at when metrics are collected. Labels are names of the configuration, and states. */
export function gatewayValues({
  targets,
  mirrors,
  books,
  droppedLines,
}: Running): Readonly<Record<string, ObservedValue>> {
  const endpoints = () =>
    [...targets.values()].flatMap((target) =>
      target.endpoints.map((endpoint) => ({
        endpoint,
        labels: { 'spillway.target': target.name, 'spillway.endpoint': endpoint.name },
      })),
    )
  const each = <T>(read: (endpoint: RunningEndpoint) => readonly { value: number; more: T }[]) =>
    endpoints().flatMap(({ endpoint, labels }) =>
      read(endpoint).map(({ value, more }) => ({ value, attributes: { ...labels, ...more } })),
    )
  return {
    'spillway.circuits': {
      description: 'Circuits by state: one for each model of an endpoint, and one for its key',
      read: () =>
        each(({ breaker }) => {
          // A caller whose own key is refused is no trouble of the endpoint's. Callers make up models: there may be tens of thousands.
          const counts = breaker?.countStates((key, scope) => scope === 'model' || key === keyCircuit)
          return counts === undefined
            ? []
            : circuitStates.map((state) => ({
                value: counts[state],
                more: { 'spillway.circuit.state': state },
              }))
        }),
    },
    'spillway.limiter.headroom': {
      description: 'What is left of a limit, 0 to 1',
      read: () =>
        each(({ headroom }) =>
          Object.entries(headroom()).map(([limit, capacity]) => ({
            value: Math.max(0, 1 - capacity.used / capacity.limit),
            more: { 'spillway.limit': limit },
          })),
        ),
    },
    'spillway.limiter.closed': {
      description: "Limit groups that a vendor's 429 has closed",
      read: () =>
        each(({ limitGroups }) => [
          { value: limitGroups().filter(({ closedMs }) => closedMs > 0).length, more: {} },
        ]),
    },
    'spillway.retry.budget': {
      description: 'Retries that are left to a target',
      read: () =>
        [...targets.values()].flatMap(({ name, retryBudget }) =>
          retryBudget === undefined
            ? []
            : [{ value: retryBudget.balance, attributes: { 'spillway.target': name } }],
        ),
    },
    ...mirrorValues(mirrors),
    'spillway.log.dropped': {
      kind: 'counter',
      description: 'Lines of the log that their stream did not take',
      read: () =>
        Object.entries(droppedLines?.() ?? {}).map(([stream, value]) => ({
          value,
          attributes: { 'spillway.log.stream': stream },
        })),
    },
    ...writerValues('spillway.ledger', 'ledger', () => books.health()),
    ...(books.audit === undefined
      ? {}
      : writerValues('spillway.audit', 'audit log', () => books.audit?.state)),
  }
}

function writerValues(
  name: string,
  what: string,
  state: () => WriterState | undefined,
): Readonly<Record<string, ObservedValue>> {
  const one = (read: (state: WriterState) => number) => () => {
    const now = state()
    return now === undefined ? [] : [{ value: read(now) }]
  }
  return {
    [`${name}.away`]: {
      description: `1 while the database of the ${what} takes no rows`,
      read: one(({ isAway }) => (isAway ? 1 : 0)),
    },
    [`${name}.buffered`]: {
      description: `Rows of the ${what} that wait in memory`,
      read: one(({ buffered }) => buffered),
    },
    [`${name}.journal`]: {
      description: `What of the ${what} waits on disk for the database`,
      unit: 'By',
      read: one(({ journalBytes }) => journalBytes),
    },
    [`${name}.lost`]: {
      description: `Rows of the ${what} that neither the database nor the journal could take`,
      read: one(({ lost }) => lost),
    },
    [`${name}.rejected`]: {
      description: `Rows of the ${what} that the database refused for what they are`,
      read: one(({ rejected }) => rejected),
    },
  }
}

function mirrorValues(mirrors: readonly RunningMirror[]): Readonly<Record<string, ObservedValue>> {
  const labelled = mirrors.map(({ from, to, ...running }) => ({
    ...running,
    labels: { 'spillway.mirror.from': from, 'spillway.mirror.to': to },
  }))
  return {
    'spillway.mirror.calls': {
      kind: 'counter',
      description: 'Calls of the sample, by their outcome at the candidate',
      read: () =>
        labelled.flatMap(({ mirror, labels }) => {
          const { finished, failed, skipped, dropped } = mirror.stats()
          const results = {
            answered: finished - failed,
            failed,
            skipped,
            'dropped.concurrency': dropped.concurrency,
            'dropped.budget': dropped.budget,
            'dropped.busy': dropped.busy,
          }
          return Object.entries(results).map(([result, value]) => ({
            value,
            attributes: { ...labels, 'spillway.mirror.result': result },
          }))
        }),
    },
    'spillway.mirror.similarity': {
      description: 'How alike the answers of both are, 0 to 1: the mean since the start',
      read: () =>
        labelled.flatMap(({ similarity: { mean }, labels }) =>
          mean === null ? [] : [{ value: mean, attributes: labels }],
        ),
    },
  }
}
