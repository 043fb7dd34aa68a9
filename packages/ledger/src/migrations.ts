import { type Kysely, sql, type Transaction } from 'kysely'
import type { AuditTables } from './audit-log.ts'
import type { DatabaseKind } from './database.ts'
import { writeRollups } from './rollup-writes.ts'
import { grains, type RollupTable, rollupTables } from './rollups.ts'
import { columns, type Entry, type Tables } from './rows.ts'

type RollupTables = { readonly [T in RollupTable]: Readonly<Record<string, string | number>> }

/** Everything in the database. */
export type Schema = Tables & AuditTables & RollupTables & { readonly ledger_version: { version: number } }

export type DatabaseName = DatabaseKind['name']

/** The number of the lock that one migrating process holds; any other would do. */
const migrationLock = 7_747_455

/** Columns that came with the sums. */
const laterColumns = ['call_row', 'stream', 'fallback_from', 'fallback_to', 'fallback_reason']

/** Columns of sums that came later still. */
const estimatedTokens = ['input', 'output', 'cache_read', 'cache_write', 'reasoning'].map(
  (type) => `estimated_${type}_tokens`,
)

type Migration = (db: Transaction<Schema>, kind: DatabaseKind) => Promise<void>

/** Each runs once, in this order. Never change one that has been published. */
const migrations: readonly Migration[] = [
  async (db) => {
    for (const table of ['calls', 'attempts'] as const) {
      let create = db.schema.createTable(table)
      for (const [name, type] of Object.entries(columns[table]))
        if (!laterColumns.includes(name))
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
  async (db, kind) => {
    for (const table of ['calls', 'attempts'] as const) {
      for (const [column, type] of Object.entries(columns[table]))
        if (laterColumns.includes(column)) await db.schema.alterTable(table).addColumn(column, type).execute()
    }
    await createRollups(db, kind.name)
    await indexCalls(db, kind.name)
    await rollUpWhatIsThere(db, kind)
  },
  // Each index is written with every call: one that nobody reads, and one that is read for failures alone.
  async (db, { name }) => {
    await db.schema.dropIndex('attempts_call_id').execute()
    await db.schema.dropIndex('calls_failure').execute()
    const bytes = sql.raw(name === 'postgres' ? 'collate "C"' : '')
    await sql`create index calls_failure on calls (failure, started_at, id ${bytes}) where failure is not null`.execute(
      db,
    )
  },
  async (db) => {
    await addEstimatedTokens(db)
    await sumUpEstimatedTokens(db)
  },
]

/** With the columns of today, also where an older version is brought up to date. */
async function createRollups(db: Transaction<Schema>, name: DatabaseName): Promise<void> {
  for (const [table, { keys, sums }] of Object.entries(rollupTables)) {
    const names = ['grain', 'at', ...Object.keys(keys)]
    let create = db.schema
      .createTable(table)
      .addColumn('grain', 'bigint', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
    for (const [key, type] of Object.entries(keys))
      create = create.addColumn(key, type, (column) => column.notNull())
    for (const sum of sums) create = create.addColumn(sum, 'bigint', (column) => column.notNull())
    create = create.addPrimaryKeyConstraint(`${table}_key`, names as never)
    // SQLite keeps such a table in the order of its key, so that a span of time lies together.
    if (name === 'sqlite') create = create.modifyEnd(sql`without rowid`)
    await create.execute()
  }
}

/** Each filter of a page has an index in the order of the pages. */
async function indexCalls(db: Transaction<Schema>, name: DatabaseName): Promise<void> {
  await db.schema.dropIndex('calls_started_at').execute()
  // Bytes in both databases, so that pages can be merged and cursors compared.
  const bytes = sql.raw(name === 'postgres' ? 'collate "C"' : '')
  await sql`create index calls_page on calls (started_at, id ${bytes})`.execute(db)
  for (const column of ['model_asked', 'tenant', 'target', 'failure'])
    await sql`create index ${sql.ref(`calls_${column}`)} on calls (${sql.ref(column)}, started_at, id ${bytes})`.execute(
      db,
    )
  await db.schema.createIndex('attempts_call_row').on('attempts').column('call_row').execute()
  // For the begin of a text: other collations than that of the bytes cannot look it up.
  if (name === 'postgres')
    await sql`create index calls_call_id_bytes on calls (call_id collate "C")`.execute(db)
}

/** Rows that were booked before there were sums. */
async function rollUpWhatIsThere(db: Transaction<Schema>, kind: DatabaseKind): Promise<void> {
  for (const table of ['calls', 'attempts'] as const) {
    let after = ''
    while (true) {
      const rows = await db
        .selectFrom(table)
        .selectAll()
        .where('id', '>', after)
        .orderBy('id')
        .limit(1000)
        .execute()
      const last = rows.at(-1)
      if (last === undefined) break
      after = last.id
      await writeRollups(
        db,
        kind,
        rows.map((row) => ({ table, row }) as Entry),
      )
    }
  }
}

/** Tables that were made a moment ago have them. */
async function addEstimatedTokens(db: Transaction<Schema>): Promise<void> {
  const tables = await db.introspection.getTables()
  const there = tables.find(({ name }) => name === 'usage_rollups')?.columns.map(({ name }) => name)
  for (const column of estimatedTokens) {
    if (there?.includes(column)) continue
    // A process of an older version that still writes does not know of it.
    await db.schema
      .alterTable('usage_rollups')
      .addColumn(column, 'bigint', (each) => each.notNull().defaultTo(0))
      .execute()
  }
}

/** From the attempts that are kept one by one; what has been removed stays with the exact ones. */
async function sumUpEstimatedTokens(db: Transaction<Schema>): Promise<void> {
  const sums = estimatedTokens.map(
    (column) => sql`sum(${sql.ref(column.replace('estimated_', ''))}) as ${sql.ref(column)}`,
  )
  const changes = estimatedTokens.map((column) => sql`${sql.ref(column)} = s.${sql.ref(column)}`)
  for (const grain of Object.values(grains)) {
    const at = sql`started_at - started_at % ${sql.lit(grain)}`
    await sql`update usage_rollups set ${sql.join(changes)}
      from (
        select ${at} as at, model_asked as model, coalesce(tenant, '') as tenant, coalesce(target, '') as target,
          role, ${sql.join(sums)}
        from attempts where estimated = 1 group by 1, 2, 3, 4, 5
      ) as s
      where usage_rollups.grain = ${sql.lit(grain)} and usage_rollups.at = s.at and usage_rollups.model = s.model
        and usage_rollups.tenant = s.tenant and usage_rollups.target = s.target and usage_rollups.role = s.role`.execute(
      db,
    )
  }
}

/** Brings the schema up to date, one process at a time. */
export async function migrate(db: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    if (kind.name === 'postgres')
      await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(transaction)
    await transaction.schema
      .createTable('ledger_version')
      .ifNotExists()
      .addColumn('version', 'integer', (column) => column.primaryKey())
      .execute()
    const done = await transaction.selectFrom('ledger_version').select('version').execute()
    for (const [version, run] of migrations.entries()) {
      if (done.some((row) => row.version === version)) continue
      await run(transaction, kind)
      await transaction.insertInto('ledger_version').values({ version }).execute()
    }
  })
}
