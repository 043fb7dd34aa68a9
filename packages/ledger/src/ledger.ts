import {
  type Clock,
  deriveRequest,
  type Handler,
  listen,
  type Middleware,
  type ModelRequest,
  named,
  systemClock,
} from '@spillway/middleware'
import {
  type CallEnd,
  followCall,
  guardHook,
  guardListener,
  type RecordedAttempt,
  withDefaults,
} from '@spillway/middleware/kit'
import { costOf, type PriceTable, publishedPrices } from '@spillway/usage'
import { guardedPrices } from './attempt-prices.ts'
import { BatchWriter, type WriterState } from './batch-writer.ts'
import { cleanEntry } from './clean-entry.ts'
import { openDisk } from './disk.ts'
import { warnProcess } from './private-files.ts'
import { requestPricing } from './request-pricing.ts'
import type { AttemptRole, AttemptRow, CallRow, Entry } from './rows.ts'
import type { LedgerStore } from './store.ts'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** The row of this call; of a mirror, the row of the call that it repeats. */
    readonly booking?: CallBooking | undefined
  }
}

declare module '@spillway/middleware/kit' {
  interface RecordedAttempt {
    /** Its row, once it is booked. */
    booked?: AttemptRow
  }
}

/** How a call is known to the ledger while it runs. */
export interface CallBooking {
  /** The id of the call's row. */
  readonly row: string
}

export interface LedgerOptions {
  readonly store: Pick<LedgerStore, 'write'>
  /** A folder for what waits while the database is unavailable; no other process may use it. @default none: rows wait in memory */
  readonly journal?: string | undefined
  /**
   * What the journal holds at most, in bytes; rows beyond that are lost and counted.
   * @default 67108864
   */
  readonly maxJournalBytes?: number
  /**
   * Rows in one transaction.
   * @default 2000
   */
  readonly maxRows?: number
  /**
   * How long a row waits for others, in milliseconds. So much is lost when the process is killed.
   * @default 250
   */
  readonly maxWait?: number
  /**
   * Rows in memory at most.
   * @default 10000
   */
  readonly maxBuffered?: number
  /**
   * How long the store may take for a batch, in milliseconds; then it counts as away, and the batch goes to the journal.
   * @default 5000
   */
  readonly writeTimeout?: number
  /** @default the published prices */
  readonly prices?: PriceTable | undefined
  /** The prices of an attempt, where it has others. What it throws, or a table that cannot be read, is left out. @default `prices` for all */
  readonly pricesOf?: ((request: ModelRequest) => PriceTable | undefined) | undefined
  /** Who is paid for an attempt. @default the vendor whose protocol is spoken */
  readonly providerOf?: ((request: ModelRequest) => string) | undefined
  /** The endpoint of an attempt, without secrets. @default `context.endpoint`, as `routing` sets it */
  readonly endpointOf?: ((request: ModelRequest) => string | undefined) | undefined
  /** Hedges and mirrors, which only their policies can tell. @default by order and target alone */
  readonly roleOf?: ((request: ModelRequest) => AttemptRole | undefined) | undefined
  /** Hears of each attempt as it is booked, for counters that must agree with the rows. What it throws is ignored. @default no listener */
  readonly onAttempt?: ((row: AttemptRow, request: ModelRequest) => void) | undefined
  /**
   * Hears what the operator should know: that the store is unavailable, or back, that it refused a row, what is wrong with files.
   * @default a warning of the process
   */
  readonly warn?: ((line: string) => void) | undefined
  readonly clock?: Clock | undefined
}

/** The defaults of {@link LedgerOptions}. */
export const ledgerDefaults: Required<
  Pick<LedgerOptions, 'maxJournalBytes' | 'maxRows' | 'maxWait' | 'maxBuffered' | 'writeTimeout'>
> = {
  maxJournalBytes: 64 * 1024 * 1024,
  maxRows: 2000,
  maxWait: 250,
  maxBuffered: 10_000,
  writeTimeout: 5000,
}

/** How the ledger is doing, in rows. */
export type LedgerState = WriterState

/** Books calls and attempts. */
export interface Ledger {
  /** Outermost but for telemetry: a row for each call, at its outcome. */
  readonly calls: Middleware
  /** Just around the attempt: a row for each, at its end. */
  readonly attempts: Middleware
  /** Books what no middleware has seen. A row whose id is booked already is not booked again. */
  book(entries: readonly Entry[]): void
  readonly state: LedgerState
  /** Resolves when everything booked so far is in the store or in the journal. */
  flush(): Promise<void>
  /** Flushes, for three seconds at most: what the store has not taken by then is in the journal. The store stays open. */
  close(): Promise<void>
}

/**
 * A ledger over a store. Booking puts a row into memory, no more; batches are written behind the calls' backs, and no call
 * fails or waits for the database.
 * @throws RangeError for options out of range, or prices that are no decimals
 */
export function createLedger(options: LedgerOptions): Ledger {
  const settings = withDefaults(ledgerDefaults, options)
  for (const name of ['maxJournalBytes', 'maxRows', 'maxWait', 'maxBuffered', 'writeTimeout'] as const) {
    if (!(settings[name] >= 0))
      throw new RangeError(`ledger.${name} must be 0 or more, but is ${settings[name]}`)
  }
  const { store, clock = systemClock, prices = publishedPrices } = options
  const isText = (answer: unknown): boolean => typeof answer === 'string'
  const nothing = (): undefined => undefined
  const providerOf = guardHook('ledger.providerOf', options.providerOf, ({ api }) => api, isText)
  const endpointOf = guardHook<[ModelRequest], string | undefined>(
    'ledger.endpointOf',
    options.endpointOf,
    ({ context }) => context.endpoint,
    isText,
  )
  const roleOf = guardHook<[ModelRequest], AttemptRole | undefined>(
    'ledger.roleOf',
    options.roleOf,
    nothing,
    isText,
  )
  const onAttempt = guardListener('ledger.onAttempt', options.onAttempt ?? (() => {}))
  const pricesOf = guardedPrices(options.pricesOf, prices)
  // Rows are told apart by it and a number, whatever callers choose as call ids.
  const instance = `${clock.epoch().toString(36)}-${crypto.randomUUID().slice(0, 13)}`
  let rows = 0
  const nextId = (): string => `${instance}-${(rows++).toString(36).padStart(8, '0')}`
  const warn = guardListener('ledger.warn', options.warn ?? warnProcess)
  const disk = openDisk<Entry>(options.journal, settings.maxJournalBytes, instance, warn)
  const writer = new BatchWriter<Entry>(store, disk, clock, {
    ...settings,
    warn: (line) => warn(`ledger: ${line}`),
  })

  const calls: Middleware = (next) => (request) => {
    const booking: CallBooking = { row: nextId() }
    const followed = deriveRequest(request, { context: { ...request.context, booking } })
    return followCall(followed, next, (end) => {
      writer.add(cleanEntry({ table: 'calls', row: callRow(booking.row, request, end) }))
    })
  }

  const attempts: Middleware = (next: Handler) => (request) => {
    const { booking, record, callId, tenant, target, session } = request.context
    const given = roleOf(request)
    let recorded: RecordedAttempt | undefined
    const observed = listen(request, (event) => {
      // What is refused while it waits for a key or a connection is no attempt.
      if (event.type === 'attempt.started') recorded = record?.attempts.at(-1)
      if (event.type !== 'attempt.ended') return
      const { failure, usage, timings, model, stopReason } = event.outcome
      const started = request.clock.epoch() - (request.clock.now() - timings.startedAt)
      const provider = providerOf(request)
      const cost = costOf(
        usage,
        {
          model: model ?? request.model,
          asked: request.model,
          provider,
          at: started,
          ...requestPricing(request),
        },
        pricesOf(request),
      )
      const row: AttemptRow = {
        id: nextId(),
        call_id: callId,
        call_row: booking?.row ?? null,
        attempt: recorded?.number ?? 1,
        role: given ?? recorded?.reason ?? 'primary',
        started_at: Math.round(started),
        tenant: tenant ?? null,
        target: target ?? null,
        endpoint: endpointOf(request) ?? null,
        provider,
        model_asked: request.model,
        model_answered: model ?? null,
        input_tokens: usage?.inputTokens ?? 0,
        output_tokens: usage?.outputTokens ?? 0,
        cache_read_tokens: usage?.cacheReadTokens ?? 0,
        cache_write_tokens: usage?.cacheWriteTokens ?? 0,
        reasoning_tokens: usage?.reasoningTokens ?? 0,
        estimated: usage?.estimated || (cost.status === 'priced' && cost.estimated) ? 1 : 0,
        cost_nano: cost.nanoDollars ?? null,
        failure: failure?.kind ?? null,
        status: failure?.status ?? null,
        code: failure?.code ?? null,
        request_id: failure?.requestId ?? null,
        stop_reason: stopReason ?? null,
        ttft_ms: timings.firstContent ?? null,
        total_ms: timings.end,
        session: session ?? null,
      }
      const entry = cleanEntry({ table: 'attempts', row })
      writer.add(entry)
      if (recorded !== undefined) recorded.booked = entry.row
      onAttempt(entry.row, request)
    })
    return next(observed)
  }

  return {
    calls: named(calls, 'ledger'),
    attempts: named(attempts, 'ledger of attempts'),
    book(entries) {
      for (const entry of entries) writer.add(cleanEntry(entry))
    },
    get state() {
      return writer.state
    },
    flush: () => writer.flush(),
    close: () => writer.close(),
  }
}

function callRow(
  id: string,
  request: ModelRequest,
  { record, response, outcome, failure, firstContentMs, totalMs }: CallEnd,
): CallRow {
  const fallback = record.fallback(response?.target)
  return {
    id,
    call_id: record.callId,
    started_at: Math.round(record.startedAtEpoch),
    tenant: request.context.tenant ?? null,
    api: request.venue ?? request.api,
    operation: request.operation,
    model_asked: request.model,
    model_answered: outcome?.model ?? null,
    target: response?.target ?? null,
    attempts: record.begun,
    failure: failure ?? null,
    status: response?.status ?? null,
    stop_reason: outcome?.stopReason ?? null,
    ttft_ms: firstContentMs ?? null,
    total_ms: totalMs,
    stream: request.stream ? 1 : 0,
    fallback_from: fallback?.from ?? null,
    fallback_to: fallback?.to ?? null,
    fallback_reason: fallback?.reason ?? null,
    session: request.context.session ?? null,
  }
}
