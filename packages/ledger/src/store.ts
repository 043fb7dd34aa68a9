import { Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { type AuditLog, type AuditTables, createAuditLog } from './audit-log.ts'
import { type DatabaseKind, databaseKind } from './database.ts'
import { columns, type Entry, type Tables } from './rows.ts'

/** What a view groups by; `day` is in UTC, as `2026-10-07`. */
export type Grouping = 'model' | 'tenant' | 'target' | 'role' | 'day'

/** A span of time, in milliseconds since the Unix epoch: from `from` up to, but not including, `to`. */
export interface TimeRange {
  readonly from: number
  readonly to: number
}

/** The attempts of one group, summed up. */
export interface Totals {
  readonly key: string
  readonly attempts: number
  readonly failures: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly reasoningTokens: number
  readonly costNano: number
  /** The part of `costNano` that is an estimate. */
  readonly estimatedCostNano: number
  /** Attempts that used something and whose price nobody knows. */
  readonly unpriced: number
}

/** Where the ledger is kept. */
export interface LedgerStore {
  /**
   * Writes entries, all or none. Those that are there already are left as they are.
   * @returns how many are new
   */
  write(entries: readonly Entry[]): Promise<number>
  /** Attempts by group, in the order of their keys. */
  totals(by: Grouping, range: TimeRange): Promise<Totals[]>
  /** How many calls began in the range. */
  countCalls(range: TimeRange): Promise<number>
  /** The audit log in the same database. */
  readonly audit: AuditLog
  close(): Promise<void>
}

interface MigrationState {
  readonly version: number
}

type Schema = Tables & AuditTables & { readonly ledger_version: MigrationState }

/** Each runs once, in this order. Never change one that has been published. */
const migrations: readonly ((db: Transaction<Schema>) => Promise<void>)[] = [
  async (db) => {
    for (const table of ['calls', 'attempts'] as const) {
      let create = db.schema.createTable(table)
      for (const [name, type] of Object.entries(columns[table]))
        create = create.addColumn(name, type, (column) => (name === 'id' ? column.primaryKey() : column))
      await create.execute()
      await db.schema.createIndex(`${table}_started_at`).on(table).column('started_at').execute()
      await db.schema.createIndex(`${table}_call_id`).on(table).column('call_id').execute()
    }
  },
  async (db) => {
    await db.schema
      .createTable('audit')
      .addColumn('seq', 'bigint', (column) => column.primaryKey())
      .addColumn('id', 'text', (column) => column.unique().notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('entry', 'text', (column) => column.notNull())
      .addColumn('prev', 'text', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('audit_marks')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('seq', 'bigint', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull())
      .execute()
  },
]

/** The number of the lock that one migrating process holds; any other would do. */
const migrationLock = 7_747_455

/**
 * A store by its URL: `sqlite:FILE`, `sqlite::memory:` or `postgres://…` (needs the package `pg`). Connects with its first
 * use, and brings the schema up to date then, so that it can be made while the database is away.
 * @throws TypeError for any other URL
 */
export function openLedgerStore(url: string): LedgerStore {
  return new SqlStore(databaseKind(url))
}

class SqlStore implements LedgerStore {
  readonly audit: AuditLog
  readonly #kind: DatabaseKind
  #ready: Promise<Kysely<Schema>> | undefined

  constructor(kind: DatabaseKind) {
    this.#kind = kind
    const connect = async (): Promise<Kysely<AuditTables>> =>
      (await this.#connect()) as unknown as Kysely<AuditTables>
    this.audit = createAuditLog(connect, kind.name === 'postgres')
  }

  async write(entries: readonly Entry[]): Promise<number> {
    const db = await this.#connect()
    return db.transaction().execute(async (transaction) => {
      let added = 0
      for (const table of ['calls', 'attempts'] as const) {
        const rows = entries.filter((entry) => entry.table === table).map(({ row }) => row)
        if (rows.length === 0) continue
        const { numAffectedRows = 0n } = await this.#insert(table, rows).execute(transaction)
        added += Number(numAffectedRows)
      }
      return added
    })
  }

  async totals(by: Grouping, { from, to }: TimeRange): Promise<Totals[]> {
    const db = await this.#connect()
    const key = this.#key(by)
    const sum = (expression: RawBuilder<unknown>) =>
      sql<number>`cast(coalesce(sum(${expression}), 0) as bigint)`
    return db
      .selectFrom('attempts')
      .select([
        key.as('key'),
        sql<number>`cast(count(*) as bigint)`.as('attempts'),
        sql<number>`cast(count(failure) as bigint)`.as('failures'),
        sum(sql`input_tokens`).as('inputTokens'),
        sum(sql`output_tokens`).as('outputTokens'),
        sum(sql`cache_read_tokens`).as('cacheReadTokens'),
        sum(sql`cache_write_tokens`).as('cacheWriteTokens'),
        sum(sql`reasoning_tokens`).as('reasoningTokens'),
        sum(sql`cost_nano`).as('costNano'),
        sum(sql`cost_nano * estimated`).as('estimatedCostNano'),
        sum(
          sql`case when cost_nano is null and input_tokens + output_tokens + cache_read_tokens + cache_write_tokens > 0 then 1 else 0 end`,
        ).as('unpriced'),
      ])
      .where('started_at', '>=', from)
      .where('started_at', '<', to)
      .groupBy(sql`1`)
      .orderBy(sql`1`)
      .execute()
  }

  async countCalls({ from, to }: TimeRange): Promise<number> {
    const db = await this.#connect()
    const { calls } = await db
      .selectFrom('calls')
      .select(sql<number>`cast(count(*) as bigint)`.as('calls'))
      .where('started_at', '>=', from)
      .where('started_at', '<', to)
      .executeTakeFirstOrThrow()
    return calls
  }

  async close(): Promise<void> {
    const ready = this.#ready
    this.#ready = Promise.reject(new Error('the store is closed'))
    this.#ready.catch(() => {})
    await ready?.then((db) => db.destroy()).catch(() => {})
  }

  /** One statement for any number of rows, so that neither side has to parse thousands of parameters. */
  #insert(table: keyof Tables, rows: readonly object[]): RawBuilder<unknown> {
    const names = Object.entries(columns[table])
    const list = sql.join(names.map(([name]) => sql.ref(name)))
    const json = JSON.stringify(rows)
    const source =
      this.#kind.name === 'sqlite'
        ? sql`select ${sql.join(names.map(([name]) => sql`value ->> ${sql.lit(name)}`))} from json_each(${json}) where true`
        : sql`select ${list} from json_to_recordset(${json}::json) as r(${sql.join(names.map(([name, type]) => sql`${sql.ref(name)} ${sql.raw(type)}`))})`
    return sql`insert into ${sql.table(table)} (${list}) ${source} on conflict (id) do nothing`
  }

  #key(by: Grouping): RawBuilder<string> {
    if (by === 'day') {
      return this.#kind.name === 'sqlite'
        ? sql<string>`strftime('%Y-%m-%d', started_at / 1000, 'unixepoch')`
        : sql<string>`to_char(to_timestamp(started_at / 1000) at time zone 'UTC', 'YYYY-MM-DD')`
    }
    return sql<string>`coalesce(${sql.ref(by === 'model' ? 'model_asked' : by)}, '')`
  }

  /** A connection that could not be had is tried anew the next time. */
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
      await db.transaction().execute(async (transaction) => {
        if (this.#kind.name === 'postgres')
          await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(transaction)
        await transaction.schema
          .createTable('ledger_version')
          .ifNotExists()
          .addColumn('version', 'integer', (column) => column.primaryKey())
          .execute()
        const done = await transaction.selectFrom('ledger_version').select('version').execute()
        for (const [version, migrate] of migrations.entries()) {
          if (done.some((row) => row.version === version)) continue
          await migrate(transaction)
          await transaction.insertInto('ledger_version').values({ version }).execute()
        }
      })
      return db
    } catch (error) {
      await db.destroy().catch(() => {})
      throw error
    }
  }
}
