import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'

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

const callsQuery = 'select id, attempts, failure from calls'
const attemptsQuery = 'select call_row, failure, input_tokens from attempts'

/** Undefined, with a printed word, where PostgreSQL is not installed. */
export async function postgresDatabase(): Promise<Database | undefined> {
  const server = await privatePostgres()
  if (server === undefined) return undefined
  const query = async (text: string): Promise<never[]> => {
    const client = new Client({ connectionString: server.url })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows as never[]
  }
  return {
    name: 'PostgreSQL',
    outage: 'stopped with its connections broken',
    ...server,
    calls: async () =>
      (await query(callsQuery)).map((row: BookedCall) => ({ ...row, attempts: Number(row.attempts) })),
    attempts: async () =>
      (await query(attemptsQuery)).map((row: BookedAttempt) => ({
        ...row,
        input_tokens: Number(row.input_tokens),
      })),
  }
}

/** A file in this folder, which another connection locks for as long as it is away. */
export function sqliteDatabase(folder: string): Database {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'ledger.db')
  let locker: DatabaseSync | undefined
  const query = async (text: string): Promise<never[]> => {
    const database = new DatabaseSync(file, { readOnly: true })
    const rows = database.prepare(text).all()
    database.close()
    return rows as never[]
  }
  return {
    name: 'SQLite',
    outage: 'locked by another program',
    url: `sqlite:${file}`,
    async stop() {
      locker = new DatabaseSync(file, { timeout: 5000 })
      locker.exec('begin exclusive')
    },
    async start() {
      locker?.exec('rollback')
      locker?.close()
      locker = undefined
    },
    calls: () => query(callsQuery),
    attempts: () => query(attemptsQuery),
    remove: async () => locker?.close(),
  }
}
