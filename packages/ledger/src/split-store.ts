import type { AuditLog } from './audit-log.ts'
import type { LedgerStore } from './store.ts'

/** Calls a method of a store, or of its audit log, by its name. */
export type Ask = (part: 'store' | 'audit', name: string, parameters: readonly unknown[]) => Promise<unknown>

/** A store whose writes and reads go different ways. */
export function storeOf(ways: {
  readonly write: Ask
  readonly read: Ask
  readonly close: () => Promise<void>
}): LedgerStore {
  const method =
    (way: 'write' | 'read', part: 'store' | 'audit', name: string) =>
    (...parameters: readonly unknown[]): Promise<never> =>
      ways[way](part, name, parameters) as Promise<never>
  const audit: AuditLog = {
    append: method('write', 'audit', 'append'),
    adopt: method('write', 'audit', 'adopt'),
    read: method('read', 'audit', 'read'),
    head: method('read', 'audit', 'head'),
    anchor: method('read', 'audit', 'anchor'),
    marks: method('read', 'audit', 'marks'),
    prune: method('write', 'audit', 'prune'),
  }
  return {
    write: method('write', 'store', 'write'),
    summary: method('read', 'store', 'summary'),
    series: method('read', 'store', 'series'),
    latency: method('read', 'store', 'latency'),
    fallbacks: method('read', 'store', 'fallbacks'),
    totals: method('read', 'store', 'totals'),
    tenantUse: method('read', 'store', 'tenantUse'),
    largestTotals: method('read', 'store', 'largestTotals'),
    countCalls: method('read', 'store', 'countCalls'),
    calls: method('read', 'store', 'calls'),
    callStory: method('read', 'store', 'callStory'),
    matchingCalls: method('read', 'store', 'matchingCalls'),
    facets: method('read', 'store', 'facets'),
    sessions: method('read', 'store', 'sessions'),
    splitSeries: method('read', 'store', 'splitSeries'),
    comparisons: method('read', 'store', 'comparisons'),
    changes: method('read', 'store', 'changes'),
    pruneCalls: method('write', 'store', 'pruneCalls'),
    pruneSums: method('write', 'store', 'pruneSums'),
    noteOwner: method('write', 'store', 'noteOwner'),
    owner: method('read', 'store', 'owner'),
    forgetOwner: method('write', 'store', 'forgetOwner'),
    audit,
    close: ways.close,
  }
}

/** The ways to a store in this thread. */
export function askStore(store: LedgerStore): Ask {
  return (part, name, parameters) => {
    const owner = (part === 'audit' ? store.audit : store) as unknown as Record<
      string,
      (...parameters: readonly unknown[]) => Promise<unknown>
    >
    return owner[name]?.(...parameters) ?? Promise.reject(new TypeError(`a store has no ${name}`))
  }
}
