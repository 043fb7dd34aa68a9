import { join } from 'node:path'
import {
  type AttemptRow,
  type AuditLog,
  type AuditTrail,
  createAuditTrail,
  createLedger,
  type Entry,
  type LedgerState,
  type LedgerStore,
  openLedgerStore,
  type RetentionOptions,
  startRetention,
} from '@spillway/ledger'
import { type Middleware, type ModelRequest, stack } from '@spillway/middleware'
// Brings in the context's `mirrorOf`.
import type {} from '@spillway/mirror'
import type { PriceTable } from '@spillway/usage'
import type { StorageConfig } from '../config/config.ts'
import { omitUndefined } from '../config/omit-undefined.ts'
import { nameUpstream, type Upstream } from './upstream.ts'

/** Where calls and attempts are booked. */
export interface Books {
  readonly store: LedgerStore
  /** Undefined without `storage`: a log that ends with the process proves nothing. */
  readonly audit: AuditTrail | undefined
  /** Around each route. */
  readonly calls: Middleware
  /** Just around the attempts of an endpoint. */
  attempts(upstream: Upstream): Middleware
  /** Books what is no call, such as a batch whose results have been read; each id once. */
  book(entries: readonly Entry[]): void
  health(): LedgerState
  /** Resolves when all that has ended is in the database, or in the journal. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** What `/readyz` says of the books. */
export interface BooksStatus {
  /** Where rows wait while the database is unavailable: `journal` on disk, `memory` where that takes none. */
  readonly ledger: 'ok' | 'journal' | 'memory'
  /** The same while the audit log takes no entries: its database is unavailable, or it was altered or signed. */
  readonly audit?: 'journal' | 'memory'
  /** How many rows and entries neither the database nor the journal could take since the start. */
  readonly lost?: number
  /** How many rows the database has refused for what they are since the start. */
  readonly rejected?: number
}

export function booksStatus({ health, audit }: Pick<Books, 'health' | 'audit'>): BooksStatus {
  const ledger = health()
  const log = audit?.state
  const rejected = ledger.rejected + (log?.rejected ?? 0)
  const lost = ledger.lost + (log?.lost ?? 0)
  return {
    ledger: ledger.isAway ? waitingPlace(ledger) : 'ok',
    ...(log?.isAway ? { audit: waitingPlace(log) } : {}),
    ...(rejected === 0 ? {} : { rejected }),
    ...(lost === 0 ? {} : { lost }),
  }
}

function waitingPlace({ isInMemory }: LedgerState): 'journal' | 'memory' {
  return isInMemory ? 'memory' : 'journal'
}

/** Nothing is written to disk unless the configuration asks for it: this database ends with the process. */
const inMemory = 'sqlite::memory:'

/** Models and tenants that callers have invented do not fill the memory: so many are told apart. */
const namesInMemory = 1000

/**
 * What fits the memory of any machine, however long the process runs: some 100 MB, and a dashboard of a month. Sums of
 * minutes are many.
 */
const retentionInMemory: Omit<RetentionOptions, 'store'> = {
  maxCalls: 100_000,
  sums: 31 * 24 * 3_600_000,
  minutes: 2 * 24 * 3_600_000,
  maxSums: 50_000,
  every: 60_000,
}

export interface BooksOptions {
  readonly onAttempt?: ((attempt: AttemptRow, request: ModelRequest) => void) | undefined
  /** Hears of files that others could read, and of an audit log that takes no entries. */
  readonly warn?: ((line: string) => void) | undefined
  /** Of the audit log; the first one signs. */
  readonly auditKeys?: readonly string[] | undefined
  /** A store that another process has opened, keeps within its limits and closes. @default one is opened */
  readonly store?: LedgerStore | undefined
}

/** A store that this process has opened. */
export interface OpenStore {
  readonly store: LedgerStore
  /** Resolves when nothing is removed any more. */
  retire(): Promise<void>
  /** After that, closes the store. */
  close(): Promise<void>
}

export interface BookStoreOptions extends Pick<BooksOptions, 'warn' | 'auditKeys'> {
  /** Hears why nothing could be removed. @default `warn` hears of an audit log that takes no entries */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * Opens the store of a configuration, and keeps it within its limits. The database is connected to with the first rows.
 * @throws Error as {@link openBooks}
 */
export function openBookStore(
  storage: StorageConfig | undefined,
  { warn, auditKeys, onError = onceALine(warn) }: BookStoreOptions = {},
): OpenStore {
  const store = openLedgerStore(storage === undefined ? inMemory : storageUrl(storage.url), {
    ...{ warn, auditKey: auditKeys },
    maxNames: storage === undefined ? namesInMemory : undefined,
    ...{ readTimeout: storage?.reads?.timeout, maxWaitingReads: storage?.reads?.maxWaiting },
    postgres: storage?.postgres,
  })
  const kept = storage === undefined ? retentionInMemory : storage.retention
  const retention = startRetention({ store, ...omitUndefined({ ...kept }), onError })
  return {
    store,
    retire: () => retention.close(),
    async close() {
      await retention.close()
      await store.close()
    },
  }
}

/**
 * Opens the ledger of a configuration; `onAttempt` hears of each attempt that it books. The database is connected to with the
 * first rows, and may be away then.
 * @throws Error when the URL is in an environment variable that is not set, the journal's folder cannot be made, or others
 * can replace the files
 */
export function openBooks(storage: StorageConfig | undefined, options: BooksOptions = {}): Books {
  const { onAttempt, warn, auditKeys } = options
  const url = storage === undefined ? inMemory : storageUrl(storage.url)
  const journal = storage && (storage.journal ?? journalOf(url))
  const refused = onceALine(warn)
  const opened =
    options.store === undefined ? openBookStore(storage, { warn, auditKeys, onError: refused }) : undefined
  const store = options.store ?? (opened as OpenStore).store
  const writer = omitUndefined({ ...storage?.writer })
  let isClosing = false
  // A database in memory that ends now has no reader: no thread is started for its last rows, and none is waited for.
  const untilClosing: Pick<LedgerStore, 'write'> = {
    write: async (entries, signal) => (isClosing ? 0 : store.write(entries, signal)),
  }
  const ledger = createLedger({
    store: storage === undefined && opened !== undefined ? untilClosing : store,
    ...{ journal, providerOf, roleOf, pricesOf, onAttempt, warn },
    ...writer,
  })
  const log: Pick<AuditLog, 'append'> = {
    append: (entries, signal) =>
      store.audit.append(entries, signal).catch((error: unknown) => {
        refused(error)
        throw error
      }),
  }
  const audit =
    storage &&
    createAuditTrail({
      ...{ log, journal: journal && join(journal, 'audit') },
      ...writer,
      // A refusal has been said, with what to do about it.
      warn: (line) => line.includes('SPILLWAY_AUDIT_REFUSED') || warn?.(line),
    })
  return {
    store,
    audit,
    calls: ledger.calls,
    attempts: (upstream) => stack(nameUpstream(upstream), ledger.attempts),
    book: (entries) => ledger.book(entries),
    health: () => ledger.state,
    flush: () => ledger.flush(),
    async close() {
      isClosing = true
      const retired = opened?.retire()
      await Promise.all([audit?.close(), ledger.close()])
      await retired
      await opened?.close()
    },
  }
}

/** An audit log that takes no entries needs an operator; a database that is unavailable recovers by itself. */
function onceALine(warn: BooksOptions['warn']): (error: unknown) => void {
  let last: string | undefined
  return (error) => {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'SPILLWAY_AUDIT_REFUSED' || message === last) return
    last = message
    warn?.(message)
  }
}

/**
 * A database's URL; `env:NAME` keeps a password out of the file.
 * @throws Error when the variable is not set
 */
export function storageUrl(url: string): string {
  if (!url.startsWith('env:')) return url
  const name = url.slice('env:'.length)
  const value = process.env[name]?.trim()
  if (!value) throw new Error(`storage.url: the environment variable ${name} is not set`)
  return value
}

/** Beside a database of one file; `FILE-journal` is SQLite's own. */
export function journalOf(url: string): string | undefined {
  if (url === inMemory) return undefined
  return url.startsWith('sqlite:') ? `${url.slice('sqlite:'.length)}.waiting` : 'spillway.waiting'
}

const providerOf = ({ context, api }: ModelRequest): string => context.upstream?.provider ?? api

const pricesOf = ({ context }: ModelRequest): PriceTable | undefined => context.upstream?.prices

/** A mirror says whose repetition it is; the record of the call tells the others apart. */
const roleOf = ({ context }: ModelRequest): 'mirror' | undefined =>
  context.mirrorOf === undefined ? undefined : 'mirror'
