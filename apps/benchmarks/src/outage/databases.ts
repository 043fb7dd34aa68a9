import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'
import { queryLedger } from '../booked-rows.ts'

export interface BookedCall {
  readonly id: string
  readonly attempts: number
  readonly failure: string | null
}

export interface BookedAttempt {
  readonly call_row: string
  readonly failure: string | null
  readonly input_tokens: number
}

/** A database that can be taken away, and all that is booked in it. */
export interface Database {
  readonly name: string
  /** What happens to it. */
  readonly outage: string
  readonly url: string
  stop(): Promise<void>
  start(): Promise<void>
  calls(): Promise<readonly BookedCall[]>
  attempts(): Promise<readonly BookedAttempt[]>
  remove(): Promise<void>
}

function booksIn(url: string): Pick<Database, 'calls' | 'attempts'> {
  return {
    async calls() {
      const rows = await queryLedger(url, 'select id, attempts, failure from calls')
      return rows.map((row) => ({ ...row, attempts: Number(row.attempts) }) as BookedCall)
    },
    async attempts() {
      const rows = await queryLedger(url, 'select call_row, failure, input_tokens from attempts')
      return rows.map(
        (row) => ({ ...row, input_tokens: Number(row.input_tokens) }) as unknown as BookedAttempt,
      )
    },
  }
}

/** Undefined, with a printed word, where PostgreSQL is not installed. */
export async function postgresDatabase(): Promise<Database | undefined> {
  const server = await privatePostgres()
  if (server === undefined) return undefined
  return {
    name: 'PostgreSQL',
    outage: 'stopped with its connections broken',
    ...server,
    ...booksIn(server.url),
  }
}

/** A file in this folder, which another connection locks for as long as it is away. */
export function sqliteDatabase(folder: string): Database {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'ledger.db')
  const url = `sqlite:${file}`
  let locker: DatabaseSync | undefined
  return {
    name: 'SQLite',
    outage: 'locked by another program',
    url,
    async stop() {
      locker = new DatabaseSync(file, { timeout: 5000 })
      locker.exec('begin exclusive')
    },
    async start() {
      locker?.exec('rollback')
      locker?.close()
      locker = undefined
    },
    ...booksIn(url),
    remove: async () => locker?.close(),
  }
}
