import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Dialect, PostgresDialect, SqliteDialect } from 'kysely'

/** A database by its URL, and how it takes many rows as one JSON text. */
export interface DatabaseKind {
  readonly name: 'sqlite' | 'postgres'
  readonly dialect: Dialect
}

/** How long SQLite waits for another process, in milliseconds; its thread stands still meanwhile. The journal takes over then. */
const longestLock = 500

/** PostgreSQL's type of a count, which fits a number here. */
const int8 = 20

/**
 * `sqlite:FILE`, `sqlite::memory:` or `postgres://…`.
 * @throws TypeError for any other URL
 */
export function databaseKind(url: string): DatabaseKind {
  if (url.startsWith('sqlite:'))
    return { name: 'sqlite', dialect: sqliteDialect(url.slice('sqlite:'.length)) }
  if (/^postgres(ql)?:\/\//.test(url)) return { name: 'postgres', dialect: postgresDialect(url) }
  throw new TypeError("storage: the URL must begin with 'sqlite:' or 'postgres://'")
}

/** Kysely's own dialect over the SQLite that Node brings: the two differ in how they tell a query from a command. */
function sqliteDialect(file: string): Dialect {
  return new SqliteDialect({
    database: async () => {
      const database = new DatabaseSync(file, { timeout: longestLock })
      database.exec('pragma journal_mode = wal; pragma synchronous = normal')
      return {
        close: () => database.close(),
        prepare(sql) {
          // One that reads first and writes then fails at once, instead of waiting, when another process writes.
          const statement = database.prepare(sql === 'begin' ? 'begin immediate' : sql)
          return {
            reader: statement.columns().length > 0,
            all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
            run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
            iterate: (parameters) =>
              statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<never>,
          }
        },
      }
    },
  })
}

function postgresDialect(connectionString: string): Dialect {
  return new PostgresDialect({
    pool: async () => {
      const { default: pg } = await import('pg').catch((cause: unknown) => {
        if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause
        throw new Error('PostgreSQL needs the package pg: npm install pg', { cause })
      })
      const pool = new pg.Pool({
        connectionString,
        max: 4,
        connectionTimeoutMillis: 2000,
        types: {
          getTypeParser: (oid: number, format?: 'text' | 'binary') =>
            oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
        } as never,
      })
      // A connection that breaks while idle is not used again; the next query says what is wrong.
      pool.on('error', () => {})
      return pool
    },
  })
}
