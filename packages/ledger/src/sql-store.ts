import { Kysely } from 'kysely'
import { type AuditKey, auditSigners } from './audit-keys.ts'
import { createAuditLog, type WritableAuditLog } from './audit-log.ts'
import type { AuditTables } from './audit-marks.ts'
import { boundNames } from './bounded-names.ts'
import { callPage, latestSessions } from './call-pages.ts'
import { callStory } from './call-story.ts'
import { changes } from './change-queries.ts'
import { comparisons } from './comparison-queries.ts'
import type { DatabaseKind } from './database.ts'
import { endedBy } from './ended-by.ts'
import { insertNew } from './insert-rows.ts'
import { dropFilterIndexes } from './memory-indexes.ts'
import { migrate, mustBeLedger, type Schema } from './migrations.ts'
import { facets, matchingCalls } from './outcome-queries.ts'
import { findOwner, forgetOwner, noteOwner, type OwnerRow } from './owners.ts'
import { type CallLimits, callPruner, type PruneCalls, pruneSums, type SumLimits } from './prune.ts'
import * as rollups from './rollup-queries.ts'
import { writeRollups } from './rollup-writes.ts'
import { type ChangeRow, columns, type Entry, tableNames } from './rows.ts'
import { series } from './series.ts'
import { sessions } from './session-queries.ts'
import { splitSeries } from './split-series.ts'
import type { LedgerStore } from './store.ts'
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

export interface SqlStoreOptions {
  /** The first one signs the audit log. */
  readonly auditKeys?: AuditKey | readonly AuditKey[] | undefined
  /** Models and tenants that the sums tell apart. @default Infinity */
  readonly maxNames?: number | undefined
  /** The schema stays as it is. */
  readonly readOnly?: boolean | undefined
  /** How long bringing the schema up to date waits for each lock, in milliseconds. @default 5000 */
  readonly lockWait?: number | undefined
}

/** A store in this thread. */
export class SqlStore implements LedgerStore {
  readonly audit: WritableAuditLog
  readonly #kind: DatabaseKind
  readonly #readOnly: boolean
  readonly #lockWait: number | undefined
  readonly #named: ((entries: readonly Entry[]) => readonly Entry[]) | undefined
  readonly #pruneCalls: PruneCalls
  #ready: Promise<Kysely<Schema>> | undefined

  /** @throws RangeError for a key that is too short */
  constructor(
    kind: DatabaseKind,
    { auditKeys, maxNames = Infinity, readOnly = false, lockWait }: SqlStoreOptions = {},
  ) {
    this.#kind = kind
    this.#pruneCalls = callPruner(kind.name)
    this.#named = maxNames === Infinity ? undefined : boundNames(maxNames)
    this.#readOnly = readOnly
    this.#lockWait = lockWait
    const connect = async (): Promise<Kysely<AuditTables>> =>
      (await this.#connect()) as unknown as Kysely<AuditTables>
    this.audit = createAuditLog(connect, kind, auditSigners(auditKeys))
  }

  async write(entries: readonly Entry[], signal?: AbortSignal): Promise<number> {
    // What brings the schema up to date may take long, and is not ended.
    const db = await this.#connect()
    return endedBy(signal, this.#kind, () => this.#write(db, entries))
  }

  #write(db: Kysely<Schema>, entries: readonly Entry[]): Promise<number> {
    return db.transaction().execute(async (transaction) => {
      const added: Entry[] = []
      for (const table of tableNames) {
        const rows = new Map<string, Entry['row']>()
        for (const { table: its, row } of entries) if (its === table) rows.set(row.id, row)
        if (rows.size === 0) continue
        const insertion = { table, columns: columns[table], rows: [...rows.values()] }
        for (const row of await insertNew(transaction, this.#kind, insertion))
          added.push({ table, row } as Entry)
      }
      // What was there already is in the sums already.
      await writeRollups(transaction, this.#kind, this.#named?.(added) ?? added)
      return added.length
    })
  }

  /** Resolves when the database is there and up to date. */
  async ready(): Promise<void> {
    await this.#connect()
  }

  async summary(range: TimeRange): Promise<Summary> {
    return rollups.summary(await this.#rollups(), range)
  }

  async series(range: TimeRange, steps: number): Promise<SeriesPoint[]> {
    return series(await this.#rollups(), range, steps)
  }

  async latency(range: TimeRange, by?: 'model' | 'target'): Promise<LatencyRow[]> {
    return rollups.latency(await this.#rollups(), range, by)
  }

  async fallbacks(range: TimeRange): Promise<FallbackRow[]> {
    return rollups.fallbacks(await this.#rollups(), range)
  }

  async totals(by: Grouping, range: TimeRange): Promise<Totals[]> {
    return rollups.totals(await this.#rollups(), by, range)
  }

  async tenantUse(range: TimeRange): Promise<TenantUse[]> {
    return rollups.tenantUse(await this.#rollups(), range)
  }

  async largestTotals(by: Grouping, range: TimeRange, limit: number): Promise<LargestTotals> {
    return rollups.largestTotals(await this.#rollups(), by, range, limit)
  }

  async countCalls(range: TimeRange): Promise<number> {
    return rollups.countCalls(await this.#rollups(), range)
  }

  async calls(filter: CallFilter): Promise<CallPage> {
    return callPage(await this.#connect(), this.#kind.name, filter)
  }

  async callStory(callId: string): Promise<CallStory | null> {
    return callStory(await this.#connect(), callId)
  }

  async facets(range: TimeRange, filter: OutcomeFilter = {}): Promise<Facets> {
    const db = await this.#connect()
    const [counts, session] = await Promise.all([
      facets(db as unknown as Kysely<never>, range, filter),
      latestSessions(db, this.#kind.name, { ...filter, range }),
    ])
    return { ...counts, session }
  }

  async matchingCalls(range: TimeRange, steps: number, filter: OutcomeFilter = {}): Promise<MatchingCalls> {
    return matchingCalls(await this.#rollups(), range, steps, filter)
  }

  async sessions(range: TimeRange, order: SessionOrder, limit: number): Promise<SessionRow[]> {
    return sessions(await this.#rollups(), range, order, limit)
  }

  async splitSeries(
    range: TimeRange,
    steps: number,
    by: SplitSeries['by'],
    limit: number,
  ): Promise<SplitSeries> {
    return splitSeries(await this.#rollups(), range, steps, by, limit)
  }

  async comparisons(range: TimeRange): Promise<ComparedTargets[]> {
    return comparisons(await this.#rollups(), range)
  }

  async changes(range: TimeRange, limit: number): Promise<ChangeRow[]> {
    return changes(await this.#connect(), range, limit)
  }

  async pruneCalls(limits: CallLimits, limit: number): Promise<number> {
    return this.#pruneCalls(await this.#connect(), limits, limit)
  }

  async pruneSums(limits: SumLimits): Promise<number> {
    return pruneSums(await this.#connect(), limits)
  }

  async noteOwner(row: OwnerRow): Promise<void> {
    return noteOwner(await this.#connect(), row)
  }

  async owner(id: string): Promise<OwnerRow | undefined> {
    return findOwner(await this.#connect(), id)
  }

  async forgetOwner(id: string): Promise<void> {
    return forgetOwner(await this.#connect(), id)
  }

  async close(): Promise<void> {
    const ready = this.#ready
    this.#ready = Promise.reject(new Error('the store is closed'))
    this.#ready.catch(() => {})
    await ready?.then((db) => db.destroy()).catch(() => {})
  }

  async #rollups(): Promise<Kysely<never>> {
    return (await this.#connect()) as unknown as Kysely<never>
  }

  /** A connection that failed is tried again the next time. */
  #connect(): Promise<Kysely<Schema>> {
    if (this.#ready === undefined) {
      const ready = this.#open()
      this.#ready = ready
      ready.catch(() => {
        if (this.#ready === ready) this.#ready = undefined
      })
    }
    return this.#ready
  }

  async #open(): Promise<Kysely<Schema>> {
    const db = new Kysely<Schema>({ dialect: this.#kind.dialect })
    try {
      if (this.#readOnly) await mustBeLedger(db)
      else await migrate(db, this.#kind, this.#lockWait)
      if (this.#kind.isInMemory && !this.#readOnly) await dropFilterIndexes(db)
      return db
    } catch (error) {
      await db.destroy().catch(() => {})
      throw error
    }
  }
}
