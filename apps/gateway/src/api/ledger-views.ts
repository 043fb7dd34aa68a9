import type { CallView, Totals } from '@spillway/ledger'
import type { Books } from '../ledger/books.ts'
import type { CallRow, Calls, Fallbacks, Summary, TimeRange, Usage, UsageRow } from './contract.ts'

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
  usage(by: Usage['by'], range: TimeRange): Promise<Usage>
  fallbacks(range: TimeRange): Promise<Fallbacks>
  calls(filter: CallsFilter): Promise<Calls>
}

/**
 * The past as the ledger has it: exact counts, tokens and costs, of all gateways that share its database, up to the last
 * call of this one that has ended.
 */
export function ledgerViews({ store, flush }: Pick<Books, 'store' | 'flush'>): LedgerViews {
  return {
    async summary({ from, to, step }) {
      await flush()
      const range = { from, to }
      const steps = Math.ceil((to - from) / step)
      const [{ estimated: _, ...summary }, series] = await Promise.all([
        store.summary(range),
        store.series(range, steps),
      ])
      return { ...summary, series }
    },
    async usage(by, { from, to }) {
      await flush()
      const range = { from, to }
      const totals = await store.totals(by, range)
      return { range, by, rows: totals.map(usageRow) }
    },
    async fallbacks({ from, to }) {
      await flush()
      const range = { from, to }
      return { range, rows: await store.fallbacks(range) }
    },
    async calls(filter) {
      await flush()
      const { calls, next } = await store.calls(filter)
      return { calls: calls.map(callRow), next }
    },
  }
}

function usageRow({ cancelled: _, ...row }: Totals): UsageRow {
  return row
}

function callRow({ callId, fallback, status: _, ...call }: CallView): CallRow {
  return { ...call, id: callId, fallback: fallback?.reason ?? null }
}
