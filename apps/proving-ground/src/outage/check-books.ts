import { type AuditEntry, openLedgerStore, verifyAudit } from '@spillway/ledger'
import type { Database } from './databases.ts'
import type { SeenCall } from './load.ts'

/** One line of the result, and whether it is as it should be. */
export interface Figure {
  readonly what: string
  readonly seen: string
  readonly target: string
  readonly holds: boolean
}

export interface Expected {
  readonly calls: readonly SeenCall[]
  /** The requests that each call made upstream. */
  readonly requests: ReadonlyMap<number, number>
  /** Calls that a killed gateway may have kept in memory alone. */
  readonly mayBeLost: (call: SeenCall) => boolean
  /** The model whose calls the database refuses; their attempts are booked. */
  readonly refuses: string | undefined
}

const always = { from: 0, to: 8.64e15 }

/** Compares the rows with what clients and upstream saw. Each call has a number of input tokens of its own. */
export async function checkBooks(database: Database, expected: Expected): Promise<Figure[]> {
  const calls = await database.calls()
  const attempts = await database.attempts()
  const byIndex = Map.groupBy(
    attempts.filter(({ failure }) => failure === null),
    ({ input_tokens: tokens }) => indexOf(tokens),
  )
  const byCall = Map.groupBy(attempts, ({ call_row: row }) => row)
  const answered = expected.calls.filter(({ isAnswered }) => isAnswered)
  const safe = answered.filter((call) => !expected.mayBeLost(call))
  const lost = safe.filter(({ index }) => !byIndex.has(index)).length
  const doubled = [...byIndex.values()].filter((rows) => rows.length > 1).length
  const wrongCalls = calls.filter(({ id, attempts: count, failure }) => {
    const rows = byCall.get(id) ?? []
    const index = indexOf(rows.find((row) => row.failure === null)?.input_tokens ?? 0)
    return failure === null && (rows.length !== count || count !== expected.requests.get(index))
  }).length
  const atRisk = answered.length - safe.length
  const riskLost = answered.filter((call) => expected.mayBeLost(call) && !byIndex.has(call.index)).length
  const refused = expected.calls.filter(({ model }) => model === expected.refuses).length
  const whole = atRisk === 0
  const figures = [
    figure('calls lost', lost, 0),
    figure('calls booked twice', doubled, 0),
    figure('calls whose attempts are not those that the upstream saw', wrongCalls, 0),
  ]
  if (whole) {
    const requests = [...expected.requests.values()].reduce((sum, count) => sum + count, 0)
    figures.push(figure('rows of calls', calls.length, expected.calls.length - refused))
    figures.push(figure('rows of attempts', attempts.length, requests))
  } else
    figures.push({
      what: 'of the calls in the last second before the kill, lost',
      seen: `${riskLost} of ${atRisk}`,
      target: 'any: rows wait a quarter of a second in memory',
      holds: true,
    })
  return [
    ...figures,
    ...(await checkSums(database, calls.length, attempts)),
    ...(await checkAudit(database, safe, whole ? calls.length + refused : undefined)),
  ]
}

/** The input tokens of the call with this number. */
export const tokensOf = (index: number): number => index + 1
const indexOf = (tokens: number): number => tokens - 1

async function checkSums(
  database: Database,
  calls: number,
  attempts: readonly { readonly input_tokens: number }[],
): Promise<Figure[]> {
  const store = openLedgerStore(database.url)
  try {
    const summary = await store.summary(always)
    const booked = (await store.totals('role', always)).reduce((sum, row) => sum + row.attempts, 0)
    return [
      figure('calls in the sums', summary.calls, calls),
      figure('attempts in the sums', booked, attempts.length),
      figure(
        'input tokens in the sums',
        summary.tokens.input,
        attempts.reduce((sum, row) => sum + row.input_tokens, 0),
      ),
    ]
  } finally {
    await store.close()
  }
}

/** @param safe answered calls, none of which may be lost */
async function checkAudit(
  database: Database,
  safe: readonly SeenCall[],
  calls: number | undefined,
): Promise<Figure[]> {
  const store = openLedgerStore(database.url)
  try {
    const { rows, problems } = await verifyAudit(store.audit)
    const ids = new Set<unknown>()
    for (let after = 0; after < rows; ) {
      const page = await store.audit.read(after, 1000)
      for (const { seq, entry } of page) {
        const { action, details } = JSON.parse(entry) as AuditEntry
        if (action === 'call') ids.add(details.call)
        after = seq
      }
      if (page.length === 0) break
    }
    const missing = safe.filter(({ callId }) => !ids.has(callId)).length
    const figures = [
      figure('faults in the chain of the audit log', problems.length, 0),
      figure('calls lost from the audit log', missing, 0),
    ]
    return calls === undefined ? figures : [...figures, figure('calls in the audit log', ids.size, calls)]
  } finally {
    await store.close()
  }
}

export function figure(what: string, seen: number, target: number): Figure {
  const text = (value: number): string => value.toLocaleString('en')
  return { what, seen: text(seen), target: text(target), holds: seen === target }
}
