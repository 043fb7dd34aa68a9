import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { freezableProxy } from '../../../../packages/ledger/test/freezable-proxy.ts'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'
import { openTestDatabase, type TestDatabase } from '../../../../packages/ledger/test/test-database.ts'
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
  /** Whether rows must wait on disk meanwhile. */
  readonly waits: boolean
  /** The model whose calls it refuses from `stop` on; undefined where it takes all. */
  readonly refuses?: string | undefined
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

/** What happens to a PostgreSQL. */
export type PostgresOutage = 'stopped' | 'frozen' | 'locked' | 'far' | 'refusing'

/** Undefined, with a printed word, where PostgreSQL is not installed. */
export async function postgresDatabase(outage: PostgresOutage = 'stopped'): Promise<Database | undefined> {
  const server = await privatePostgres()
  if (server === undefined) return undefined
  const { url, start, stop, close } = server
  const database = { name: 'PostgreSQL', url, ...booksIn(url), remove: close }
  if (outage === 'stopped')
    return { ...database, outage: 'stopped with its connections broken', waits: true, stop, start }
  if (outage === 'frozen')
    return {
      ...database,
      outage: 'frozen (SIGSTOP)',
      waits: true,
      stop: async () => server.freeze(),
      start: async () => server.thaw(),
    }
  if (outage === 'locked') return { ...database, outage: 'its table locked', waits: true, ...lockOf(url) }
  if (outage === 'refusing')
    return {
      ...database,
      outage: 'a rule of its operator refuses one model',
      waits: false,
      refuses: refusedModel,
      stop: () => constrain(url),
      start: async () => {},
    }
  const proxy = await freezableProxy(url, milliseconds)
  return {
    ...database,
    url: proxy.url,
    outage: `${milliseconds} ms away`,
    waits: false,
    stop: async () => {},
    start: async () => {},
    async remove() {
      await proxy.close()
      await close()
    },
  }
}

/** How far away PostgreSQL is. */
const milliseconds = 60

const refusedModel = 'claude-not-in-these-books'

/** A rule that stays. */
async function constrain(url: string): Promise<void> {
  const operator = await openTestDatabase(url)
  await operator.query(
    `alter table calls add constraint known_models check (model_asked <> '${refusedModel}')`,
  )
  await operator.close()
}

/** An administrator who forgets to commit. */
function lockOf(url: string): Pick<Database, 'stop' | 'start'> {
  let administrator: TestDatabase | undefined
  return {
    async stop() {
      administrator = await openTestDatabase(url)
      await administrator.query('begin; lock table calls in access exclusive mode')
    },
    async start() {
      await administrator?.query('commit')
      await administrator?.close()
    },
  }
}

/** A file on a disk of its own, a small one in memory, which is full as long as it is away. Undefined where none can be mounted. */
export function fullDisk(folder: string): Database | undefined {
  const place = join(folder, 'disk')
  mkdirSync(place, { recursive: true })
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'tmpfs', place])
  if (status !== 0) {
    console.warn('SKIPPED: no small disk can be mounted here')
    return undefined
  }
  const filler = join(place, 'filler')
  const url = `sqlite:${join(place, 'ledger.db')}`
  return {
    name: 'SQLite',
    outage: 'its disk full',
    url,
    waits: true,
    async stop() {
      const file = openSync(filler, 'w')
      try {
        for (const piece = Buffer.alloc(65_536); ; ) writeSync(file, piece)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    start: async () => rmSync(filler),
    ...booksIn(url),
    remove: async () => void spawnSync('umount', [place]),
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
    waits: true,
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
