import type { CallView } from '@spillway/ledger'
import { type Clock, systemClock } from '@spillway/middleware'
import type { Books } from '../ledger/books.ts'
import type { CallRow, Calls, Fallbacks, Summary, TimeRange, Usage } from './contract.ts'
import type { SharedReads } from './shared-reads.ts'
import { within } from './within.ts'

export interface CallsFilter {
  readonly limit: number
  readonly before?: string | undefined
  readonly model?: string | undefined
  readonly tenant?: string | undefined
  readonly target?: string | undefined
  readonly failure?: string | undefined
  readonly query?: string | undefined
}

/** What `/api` says of the past. */
export interface LedgerViews {
  /** `step` is the length of a step of its series, in milliseconds. */
  summary(range: TimeRange & { readonly step: number }): Promise<Summary>
  usage(by: Usage['by'], range: TimeRange, limit: number): Promise<Usage>
  fallbacks(range: TimeRange): Promise<Fallbacks>
  calls(filter: CallsFilter): Promise<Calls>
}

/** How long a question waits for the last rows, in milliseconds; then it is answered without those. */
const longestFlush = 2000

/**
 * The past as the ledger has it: exact counts, tokens and costs, of all gateways that share its database, up to the last
 * call of this one that has ended; while the database is slow, or takes what has waited for it, up to what it has.
 */
export function ledgerViews(
  { store, flush }: Pick<Books, 'store' | 'flush'>,
  shared: SharedReads,
  clock: Clock = systemClock,
): LedgerViews {
  const read = <T>(question: unknown, ask: () => Promise<T>): Promise<T> =>
    shared(JSON.stringify(question), async () => {
      await within(longestFlush, flush(), () => {}, clock)
      return ask()
    })
  return {
    async summary({ from, to, step }) {
      const range = { from, to }
      const steps = Math.ceil((to - from) / step)
      const [{ estimated: _, ...summary }, series] = await read(['summary', from, to, step], () =>
        Promise.all([store.summary(range), store.series(range, steps)]),
      )
      return { ...summary, series }
    },
    async usage(by, { from, to }, limit) {
      const range = { from, to }
      const { rows, other } = await read(['usage', by, from, to, limit], () =>
        store.largestTotals(by, range, limit),
      )
      return { range, by, rows: rows.map(usageRow), other: other && usageRow(other) }
    },
    async fallbacks({ from, to }) {
      const range = { from, to }
      return { range, rows: await read(['fallbacks', from, to], () => store.fallbacks(range)) }
    },
    async calls(filter) {
      const { calls, next } = await read(['calls', filter], () => store.calls(filter))
      return { calls: calls.map(callRow), next }
    },
  }
}

function usageRow<T extends { readonly cancelled: number }>({
  cancelled: _,
  ...row
}: T): Omit<T, 'cancelled'> {
  return row
}

function callRow({ callId, fallback, status: _, ...call }: CallView): CallRow {
  return { ...call, id: callId, fallback: fallback?.reason ?? null }
}
