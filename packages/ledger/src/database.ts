import { existsSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Dialect, SqliteDialect } from 'kysely'
import { type DatabaseName, databaseFile, databaseName } from './database-url.ts'
import { interruptible, interruptWith } from './interruptible.ts'
import { postgres } from './postgres.ts'
import { secureDatabase, type Warn, warnProcess } from './private-files.ts'
import { type SqliteInserts, sqliteInserts } from './sqlite-inserts.ts'

/** A database by its URL. */
export interface DatabaseKind {
  readonly name: DatabaseName
  readonly dialect: Dialect
  /** Whether it ends with its process, and so holds what fits the memory. */
  readonly isInMemory: boolean
  /** Inserts past Kysely, once connected. Undefined where a statement is a message to a server. */
  readonly inserts?: (() => SqliteInserts) | undefined
  /** Breaks connections whose server does not answer; the next statement connects again. Undefined where there is no server. */
  readonly breakConnections?: (() => void) | undefined
}

/** How long SQLite waits for another process, in milliseconds; its thread is blocked meanwhile. The journal takes over then. */
const longestLock = 500

export interface DatabaseOptions {
  /** Hears when the rights of others were taken away from a file. */
  readonly warn?: Warn
  /** Nothing is made and nothing is changed. */
  readonly readOnly?: boolean
  /** Asked with each row that a view reads from SQLite: whether it shall end. @default it is never ended */
  readonly isInterrupted?: (() => boolean) | undefined
  /** Called between the statements of a batch for SQLite, to let others have the processor. @default nothing is called */
  readonly giveWay?: (() => void) | undefined
  /**
   * How long PostgreSQL may take for a statement, in milliseconds: it gives up and releases its locks, also where nobody
   * waits for it any more.
   * @default 15000
   */
  readonly statementTimeout?: number | undefined
  /** Connections to PostgreSQL. @default 4 */
  readonly connections?: number | undefined
  /** How long a connection to PostgreSQL may take, in milliseconds. @default 2000 */
  readonly connectTimeout?: number | undefined
}

/** @throws TypeError for a URL of another kind of database */
export function databaseKind(url: string, options: DatabaseOptions = {}): DatabaseKind {
  return databaseName(url) === 'sqlite'
    ? sqlite(url.slice('sqlite:'.length), options)
    : postgres(url, options)
}

/** Kysely's own dialect over the SQLite that Node brings: the two differ in how they tell a query from a command. */
function sqlite(
  name: string,
  { warn = warnProcess, readOnly = false, isInterrupted, giveWay }: DatabaseOptions,
): DatabaseKind {
  const file = databaseFile(`sqlite:${name}`)
  let inserts: SqliteInserts | undefined
  const dialect = new SqliteDialect({
    database: async () => {
      if (readOnly) mustBeThere(name, file)
      else if (file !== undefined) secureDatabase(file, { create: true, warn })
      const database = new DatabaseSync(name, { timeout: longestLock, readOnly })
      if (!readOnly) database.exec('pragma journal_mode = wal; pragma synchronous = normal')
      if (isInterrupted !== undefined) interruptWith(database, isInterrupted)
      const textOf = isInterrupted === undefined ? (sql: string) => sql : interruptible
      inserts = sqliteInserts(database, giveWay)
      return {
        close: () => database.close(),
        prepare(sql) {
          // One that reads first and writes then fails at once, instead of waiting, when another process writes.
          const statement = database.prepare(sql === 'begin' ? 'begin immediate' : textOf(sql))
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
  return {
    name: 'sqlite',
    dialect,
    isInMemory: file === undefined,
    inserts() {
      if (inserts === undefined) throw new Error('the database is not open')
      return inserts
    },
  }
}

/** @throws Error when there is nothing to read */
function mustBeThere(name: string, file: string | undefined): void {
  if (file !== undefined && existsSync(file)) return
  const why = file === undefined ? 'a database in memory ends with its process' : 'the file does not exist'
  throw new Error(`there is no ledger to read at sqlite:${name}: ${why}`)
}
