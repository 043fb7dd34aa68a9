import { systemClock } from '@spillway/middleware'
import type { AuditKey } from './audit-keys.ts'
import { auditSigners } from './audit-keys.ts'
import type { AuditLog } from './audit-log.ts'
import { BoundedReads } from './bounded-reads.ts'
import { databaseFile, databaseName } from './database-url.ts'
import { lazyStore } from './lazy-store.ts'
import type { OwnerRow } from './owners.ts'
import type { PostgresOptions } from './postgres-options.ts'
import { secureDatabase, type Warn, warnProcess } from './private-files.ts'
import type { CallLimits, SumLimits } from './prune.ts'
import type { ChangeRow, Entry } from './rows.ts'
import type {
  CallFilter,
  CallPage,
  CallStory,
  ComparedTargets,
  Facets,
  FallbackRow,
  Grouping,
  LargestTotals,
  LatencyRow,
  MatchingCalls,
  OutcomeFilter,
  SeriesPoint,
  SessionOrder,
  SessionRow,
  SplitSeries,
  Summary,
  TenantUse,
  TimeRange,
  Totals,
} from './views.ts'
import { workerStore } from './worker-store.ts'

/**
 * Where the ledger is kept. Views but for `calls` are read from sums by minute, hour and day that are written together with
 * the rows; their ranges are widened to whole minutes.
 */
export interface LedgerStore {
  /**
   * Writes entries and adds them to the sums, all or none. Those that are there already are left as they are.
   * @param signal aborted when the writer no longer waits: connections of PostgreSQL are broken then
   * @returns how many are new
   */
  write(entries: readonly Entry[], signal?: AbortSignal): Promise<number>
  /** Everything in one row. */
  summary(range: TimeRange): Promise<Summary>
  /**
   * The range in equal steps, oldest first, empty ones included. A step is a round length of time (1 minute to whole days)
   * that covers the range in at most `steps` + 1 of them; ranges above 36 hours have steps of whole hours or days,
   * and their first step may reach back before the range by less than one of these.
   * @throws RangeError for steps that are not 1 to 1000
   */
  series(range: TimeRange, steps: number): Promise<SeriesPoint[]>
  /** Latencies by group, in the order of their keys; one row for all without `by`. */
  latency(range: TimeRange, by?: 'model' | 'target'): Promise<LatencyRow[]>
  /** The most frequent ones first. */
  fallbacks(range: TimeRange): Promise<FallbackRow[]>
  /** By group, in the order of their keys: all groups, however many there are. */
  totals(by: Grouping, range: TimeRange): Promise<Totals[]>
  /** What each tenant used, without any order. */
  tenantUse(range: TimeRange): Promise<TenantUse[]>
  /**
   * The `limit` groups that cost most (of those that cost the same, the ones with more calls) and the sum of all others, by
   * one statement of the database. For groups whose names callers choose, which may be many.
   * @throws RangeError for a limit that is not 1 to 1000
   */
  largestTotals(by: Grouping, range: TimeRange, limit: number): Promise<LargestTotals>
  /** How many calls began in the range. */
  countCalls(range: TimeRange): Promise<number>
  /**
   * Calls one by one, newest first.
   * @throws RangeError for a limit that is not 1 to 1000, or a cursor that is none
   */
  calls(filter: CallFilter): Promise<CallPage>
  /** A call by the id that its caller has of it, with its attempts; null where there is none (any more). */
  callStory(callId: string): Promise<CallStory | null>
  /** How many calls there are by each value of each facet; a facet counts what all other filters let through. */
  facets(range: TimeRange, filter?: OutcomeFilter): Promise<Facets>
  /**
   * How many calls a filter lets through, in steps as those of {@link series}.
   * @throws RangeError for steps that are not 1 to 1000
   */
  matchingCalls(range: TimeRange, steps: number, filter?: OutcomeFilter): Promise<MatchingCalls>
  /**
   * The first `limit` conversations in an order; the range is widened to whole hours.
   * @throws RangeError for a limit that is not 1 to 1000
   */
  sessions(range: TimeRange, order: SessionOrder, limit: number): Promise<SessionRow[]>
  /**
   * {@link series} for each of the `limit` groups that cost most, and for the sum of all others.
   * @throws RangeError for steps that are not 1 to 1000, or a limit that is not 1 to 20
   */
  splitSeries(range: TimeRange, steps: number, by: SplitSeries['by'], limit: number): Promise<SplitSeries>
  /** Pairs of targets that a mirror has compared in a range, each with the sums of both sides and its 20 newest comparisons. */
  comparisons(range: TimeRange): Promise<ComparedTargets[]>
  /**
   * What has become of circuits, limits and endpoints, newest first.
   * @throws RangeError for a limit that is not 1 to 1000
   */
  changes(range: TimeRange, limit: number): Promise<ChangeRow[]>
  /**
   * Removes at most `limit` calls, and as many attempts, comparisons and changes, that are beyond the limits, the oldest first. Sums stay.
   * @returns how many rows went; 0 when none is left to go
   */
  pruneCalls(limits: CallLimits, limit: number): Promise<number>
  /**
   * Removes the oldest sums that are beyond the limits; not all at once.
   * @returns how many rows went; 0 when none is left to go
   */
  pruneSums(limits: SumLimits): Promise<number>
  /**
   * Notes who has made a batch or a file; one that is noted stays as it is, but for `results_of` where that was null. Notes are
   * kept for a year, 100,000 at most.
   */
  noteOwner(row: OwnerRow): Promise<void>
  owner(id: string): Promise<OwnerRow | undefined>
  forgetOwner(id: string): Promise<void>
  /** The audit log in the same database. */
  readonly audit: AuditLog
  close(): Promise<void>
}

export interface LedgerStoreOptions {
  /**
   * Signs the rows of the audit log: a secret of 32 bytes or more. Of a list, the first one signs; name those that it replaced
   * behind it. A log that was signed once takes no entries without its key. @default none: rows have hashes and no MAC
   */
  readonly auditKey?: AuditKey | readonly AuditKey[] | undefined
  /** Makes nothing, changes nothing, and fails where there is no ledger. For views and verification. @default false */
  readonly readOnly?: boolean | undefined
  /**
   * Models and tenants that the sums tell apart, whose names callers choose. Others are summed up as `_OTHER`; rows keep
   * their names.
   * @default Infinity
   */
  readonly maxNames?: number | undefined
  /**
   * How long a view may take, in milliseconds, its wait for others included; then it rejects with `code` `SPILLWAY_READ_TIMEOUT` or
   * `SPILLWAY_READS_BUSY`. A database in memory, where a view makes writes wait, has 5000 at most. Without effect with `readOnly`.
   * @default 10000
   */
  readonly readTimeout?: number | undefined
  /**
   * Views that wait for others at most; more reject with `code` `SPILLWAY_READS_BUSY`.
   * @default 32
   */
  readonly maxWaitingReads?: number | undefined
  /** How PostgreSQL is connected to; without effect on SQLite. */
  readonly postgres?: PostgresOptions | undefined
  /** Hears what the operator should know: that others could read a file, for instance. @default a warning of the process */
  readonly warn?: Warn | undefined
}

/** The defaults of {@link LedgerStoreOptions}. */
export const ledgerStoreDefaults: Readonly<{
  readOnly: boolean
  readTimeout: number
  maxWaitingReads: number
}> = { readOnly: false, readTimeout: 10_000, maxWaitingReads: 32 }

/** Views of PostgreSQL at once. Each has up to three statements at once, and there are four connections. */
const postgresReads = 2

/** In milliseconds; see {@link LedgerStoreOptions.readTimeout}. */
const longestReadInMemory = 5000

/**
 * A store by its URL: `sqlite:FILE`, `sqlite::memory:` or `postgres://…` (needs the package `pg`). Connects with its first
 * use, and brings the schema up to date then, so that it can be made while the database is unavailable. SQLite runs in threads of
 * its own, which do not keep the process alive and, but for a database in memory, end while idle; its file is its owner's alone (0600). Views have separate connections, so
 * that no write waits for them.
 * @throws TypeError for any other URL, RangeError for a key that is too short or options out of range, and an Error with `code`
 * `SPILLWAY_INSECURE_FILE` for a file of another user or in a folder that others can write
 */
export function openLedgerStore(url: string, options: LedgerStoreOptions = {}): LedgerStore {
  const { auditKey, warn = warnProcess } = options
  const { readOnly = false } = options
  const readTimeout = bound('readTimeout', options.readTimeout)
  const maxWaiting = bound('maxWaitingReads', options.maxWaitingReads)
  const name = databaseName(url)
  auditSigners(auditKey)
  const file = databaseFile(url)
  const settings = { auditKeys: auditKey, readOnly, maxNames: options.maxNames }
  const reads = (timeout: number, atOnce: number) => (interrupt: () => void, giveUp: () => void) =>
    new BoundedReads({ timeout, maxWaiting, atOnce }, systemClock, interrupt, giveUp)
  if (name === 'sqlite') {
    if (file !== undefined && !readOnly) secureDatabase(file, { create: false, warn })
    const isInMemory = file === undefined
    const timeout = isInMemory ? Math.min(readTimeout, longestReadInMemory) : readTimeout
    return workerStore({ url, isInMemory, ...settings }, reads(timeout, 1), warn)
  }
  return lazyStore(async () => {
    const { postgresStore } = await import('./postgres-store.ts')
    return postgresStore(
      url,
      { ...settings, postgres: options.postgres },
      readTimeout,
      reads(readTimeout, postgresReads),
    )
  })
}

function bound(name: 'readTimeout' | 'maxWaitingReads', value = ledgerStoreDefaults[name]): number {
  if (value >= 0) return value
  throw new RangeError(`openLedgerStore: ${name} must be 0 or more, but is ${value}`)
}
