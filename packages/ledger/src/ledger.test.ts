import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import {
  type Clock,
  compose,
  createRequest,
  emit,
  type Failure,
  type FailureKind,
  type Handler,
  type Middleware,
  type Outcome,
  systemClock,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { type PriceTable, publishedPrices } from '@spillway/usage'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLedger, ledgerDefaults } from './ledger.ts'
import { readRejected } from './rejected-entries.ts'
import { startRetention } from './retention.ts'
import type { AttemptRow, CallRow, Entry } from './rows.ts'
import type { LedgerStore } from './store.ts'

/** A store that keeps what it is given, or refuses it. */
class ListStore implements Pick<LedgerStore, 'write'> {
  readonly entries = new Map<string, Entry>()
  isAway = false
  writes = 0
  async write(entries: readonly Entry[]): Promise<number> {
    this.writes++
    if (this.isAway) throw new Error('away')
    for (const entry of entries) this.entries.set(entry.row.id, entry)
    return entries.length
  }
  rows<T>(table: Entry['table']): T[] {
    return [...this.entries.values()].filter((entry) => entry.table === table).map(({ row }) => row as T)
  }
}

function outcomeOf(clock: { now(): number }, failure?: FailureKind): Outcome {
  return {
    failure: failure && {
      kind: failure,
      message: failure,
      retryable: true,
      scope: 'endpoint',
      origin: 'upstream',
      status: 529,
      code: 'overloaded_error',
      requestId: 'req_1',
    },
    usage: failure
      ? undefined
      : {
          inputTokens: 1000,
          outputTokens: 100,
          cacheReadTokens: 0,
          cacheWriteTokens: 0,
          cacheWrite1hTokens: 0,
          reasoningTokens: 0,
          estimated: false,
        },
    stopReason: failure ? undefined : 'end_turn',
    model: failure ? undefined : 'claude-opus-5',
    timings: { startedAt: clock.now(), end: 10 },
    bytes: 1,
  }
}

/** Fails as often as it is told, then answers. */
function upstream(...failures: (FailureKind | undefined)[]): Handler {
  return async (request) => {
    const outcome = outcomeOf(request.clock, failures.shift())
    emit(request, 'attempt.started', { model: request.model })
    emit(request, 'attempt.ended', { outcome })
    const { failure } = outcome
    return {
      status: failure?.status ?? 200,
      headers: {},
      body: bodyOf(new Uint8Array(1)),
      failure,
      outcome: Promise.resolve(outcome),
      target: request.context.target,
    }
  }
}

const through =
  (...targets: string[]): Middleware =>
  (next) =>
  async (request) => {
    let response = await next({ ...request, context: { ...request.context, target: targets[0] } })
    for (const target of targets.slice(1)) {
      if (response.failure === undefined) break
      response = await next({ ...request, context: { ...request.context, target } })
    }
    return response
  }

/** All files of a journal. */
const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'))

/** All lines of all of them. */
const lines = (folder: string): string[] =>
  files(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-journal-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function begin(options: Partial<Parameters<typeof createLedger>[0]> = {}) {
  const clock = virtualClock()
  const store = new ListStore()
  const ledger = createLedger({ store, clock, ...options })
  const call = async (middle: Middleware, handler: Handler, body = {}): Promise<void> => {
    const request = createRequest({
      api: 'anthropic',
      model: 'claude-opus-5',
      stream: false,
      url: '/v1/messages',
      body: jsonBodyFromObject(body),
      clock,
      context: { callId: 'same', tenant: 'acme' },
    })
    await compose([ledger.calls, middle, ledger.attempts], handler)(request)
  }
  return { clock, store, ledger, call }
}

describe('a call', () => {
  it('keeps the vendor’s code of a failure and its id of the request, and not its message', async () => {
    const { store, ledger, call } = begin()
    await call(through('claude', 'local'), upstream('overloaded'))
    await ledger.flush()
    const attempts = store.rows<AttemptRow>('attempts')
    expect(attempts.map(({ code, request_id }) => [code, request_id])).toEqual([
      ['overloaded_error', 'req_1'],
      [null, null],
    ])
    expect(attempts[0]).not.toHaveProperty('message')
  })

  it('is one row, and each of its attempts is one, with its role and its cost', async () => {
    const { store, ledger, call } = begin()
    await call(through('claude', 'claude', 'local', 'local'), upstream('overloaded', 'timeout', 'server'), {
      inference_geo: 'us',
    })
    await ledger.flush()
    expect(
      store
        .rows<AttemptRow>('attempts')
        .map(({ attempt, role, failure, cost_nano }) => [attempt, role, failure, cost_nano]),
    ).toEqual([
      [1, 'primary', 'overloaded', null],
      [2, 'retry', 'timeout', null],
      [3, 'fallback', 'server', null],
      [4, 'retry', null, 8_250_000],
    ])
    expect(store.rows<CallRow>('calls')).toMatchObject([
      {
        call_id: 'same',
        tenant: 'acme',
        target: 'local',
        attempts: 4,
        failure: null,
        status: 200,
        stop_reason: 'end_turn',
      },
    ])
  })

  it('says which target was left for which, and why', async () => {
    const { store, ledger, call } = begin()
    await call(through('claude', 'local'), upstream('overloaded'))
    await call(through('claude', 'claude'), upstream('overloaded'))
    await call(through('claude', 'local'), upstream('timeout', 'server'))
    // As the fallback policy says it: a circuit that refuses makes no attempt.
    const refused: Middleware = (next) => (request) => {
      const failure = outcomeOf(request.clock, 'circuit_open').failure as Failure
      emit({ ...request, context: { ...request.context, target: 'claude' } }, 'refused', { failure })
      for (const to of ['second', 'local'])
        emit(request, 'fallback.switched' as never, { to, failure } as never)
      return next({ ...request, context: { ...request.context, target: 'local' } })
    }
    await call(refused, upstream())
    await ledger.flush()
    const rows = store.rows<CallRow>('calls')
    expect(rows.map((row) => [row.fallback_from, row.fallback_to, row.fallback_reason])).toEqual([
      ['claude', 'local', 'overloaded'],
      [null, null, null],
      ['claude', 'local', 'timeout'],
      ['claude', 'local', 'circuit_open'],
    ])
    expect(rows.map(({ stream }) => stream)).toEqual([0, 0, 0, 0])
    const attempts = store.rows<AttemptRow>('attempts')
    expect(new Set(attempts.map(({ call_row }) => call_row))).toEqual(new Set(rows.map(({ id }) => id)))
  })

  it('is booked by itself even under a call id that was used before', async () => {
    const { store, ledger, call } = begin()
    await call(through('claude'), upstream())
    await call(through('claude'), upstream())
    await ledger.flush()
    expect(store.rows('calls')).toHaveLength(2)
  })

  it('counts as attempts what has begun alone: what ends while it waits for a key or a connection is none', async () => {
    const { store, ledger, call } = begin()
    const answers = upstream()
    let waits = 0
    const refuses: Handler = async (request) => {
      if (waits++ > 0) return answers(request)
      const failure = outcomeOf(request.clock, 'saturated').failure as Failure
      const outcome = Promise.resolve({ ...outcomeOf(request.clock), failure })
      const body = bodyOf(new Uint8Array(1))
      return { status: 429, headers: {}, body, failure, outcome, target: undefined }
    }
    await call(through('claude', 'local'), refuses)
    const left = (): Promise<never> => Promise.reject(new Error('the caller left while it waited'))
    await expect(call(through('claude'), left)).rejects.toThrow('the caller left')
    await ledger.flush()
    expect(store.rows<CallRow>('calls').map(({ attempts }) => attempts)).toEqual([1, 0])
    const rows = store.rows<AttemptRow>('attempts')
    expect(rows.map(({ attempt, role, target }) => [attempt, role, target])).toEqual([
      [1, 'primary', 'local'],
    ])
  })

  it('that rejects is booked as well', async () => {
    const { store, ledger, call } = begin()
    await expect(call(through('claude'), () => Promise.reject(new Error('bug')))).rejects.toThrow('bug')
    await ledger.flush()
    expect(store.rows<CallRow>('calls')).toMatchObject([{ failure: 'error', status: null, target: null }])
  })
})

describe('batches', () => {
  it('are written after a while, or when there are enough rows', async () => {
    const { clock, store, call } = begin({ maxRows: 10 })
    await call(through('claude'), upstream())
    expect(store.writes).toBe(0)
    await clock.advance(250)
    expect(store.writes).toBe(1)
    for (let n = 0; n < 5; n++) await call(through('claude'), upstream())
    await clock.advance(0)
    expect(store.writes).toBe(2)
    expect(clock.pending).toBe(0)
  })

  it('wait in memory up to a bound without a journal', async () => {
    const { store, ledger, call } = begin({ maxBuffered: 6 })
    store.isAway = true
    for (let n = 0; n < 5; n++) await call(through('claude'), upstream())
    await ledger.flush()
    expect(ledger.state).toMatchObject({ isAway: true, buffered: 6, lost: 4 })
    store.isAway = false
    await ledger.flush()
    expect(store.entries.size).toBe(6)
  })
})

describe('the journal', () => {
  it('is bounded, and what it cannot take is counted', async () => {
    const { store, ledger, call } = begin({ journal: folder, maxJournalBytes: 2000 })
    store.isAway = true
    for (let n = 0; n < 5; n++) {
      await call(through('claude'), upstream())
      await ledger.flush()
    }
    const { lost, journalBytes } = ledger.state
    expect(journalBytes).toBeLessThanOrEqual(2000)
    expect(lost).toBeGreaterThan(0)
    store.isAway = false
    await ledger.flush()
    expect(store.entries.size).toBe(10 - lost)
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes rows at once while the store is unavailable, not only when it is tried again', async () => {
    // The time of the next try never comes.
    const setTimer: Clock['setTimer'] = (ms, run) => systemClock.setTimer(ms < 100 ? ms : 1e6, run)
    const clock = { ...systemClock, setTimer }
    const { store, ledger, call } = begin({ journal: folder, clock, maxWait: 5 })
    store.isAway = true
    for (const count of [1, 2]) {
      await call(through('claude'), upstream())
      await vi.waitFor(() => expect(files(folder)).toHaveLength(count), 2000)
    }
    expect(ledger.state).toMatchObject({ isAway: true, buffered: 0, lost: 0 })
    store.isAway = false
    await ledger.flush()
    expect(store.entries.size).toBe(4)
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes what a store that never answers has been given, when the ledger closes', async () => {
    const { clock, store, ledger, call } = begin({ journal: folder })
    const answers: (() => void)[] = []
    const hung = vi
      .spyOn(store, 'write')
      .mockImplementation(() => new Promise((resolve) => answers.push(() => resolve(0))))
    await call(through('claude'), upstream())
    void ledger.flush()
    await vi.waitFor(() => expect(answers).toHaveLength(1))
    // Comes while the first batch is on its way.
    await call(through('claude'), upstream())
    const closed = ledger.close()
    await clock.advance(3_000)
    await closed
    expect(ledger.state).toMatchObject({ buffered: 0, lost: 0 })
    // It takes the first batch after all: that does no harm.
    for (const answer of answers) answer()
    hung.mockRestore()
    const next = begin({ journal: folder })
    await next.ledger.flush()
    expect(next.store.rows<CallRow>('calls')).toHaveLength(2)
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes rows while a write does not answer, and no second write is begun', async () => {
    const { clock, store, ledger, call } = begin({ journal: folder })
    await ledger.flush()
    const written: (readonly Entry[])[] = []
    vi.spyOn(store, 'write').mockImplementation((entries) => {
      written.push(entries)
      return new Promise(() => {})
    })
    const kept = (): number =>
      lines(folder).reduce((ids, line) => ids.add((JSON.parse(line) as Entry).row.id), new Set<string>()).size
    await call(through('claude'), upstream())
    await clock.advance(250)
    await vi.waitFor(() => expect(written).toHaveLength(1))
    await call(through('claude'), upstream())
    expect(ledger.state.isAway).toBe(false)
    // Both batches are safe long before the write is given up: who kills the process takes nothing.
    await clock.advance(1000)
    await vi.waitFor(() => expect(kept()).toBe(4))
    await clock.advance(4000)
    await vi.waitFor(() =>
      expect(ledger.state).toMatchObject({
        isAway: true,
        lastError: new Error('the database did not answer within 5000 ms'),
        buffered: 0,
        lost: 0,
      }),
    )
    for (let n = 0; n < 20; n++) {
      await call(through('claude'), upstream())
      await clock.advance(5000)
    }
    await vi.waitFor(() => expect(kept()).toBe(44))
    expect(written).toHaveLength(1)
    expect(ledger.state.lost).toBe(0)
  })

  it('is one of several in a folder: none touches the files of another one that runs', async () => {
    const all = Array.from({ length: 3 }, () => begin({ journal: folder }))
    for (const { store, ledger, call } of all) {
      store.isAway = true
      await call(through('claude'), upstream())
      await ledger.flush()
    }
    expect(files(folder)).toHaveLength(3)
    const [first, second, third] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]]
    first.store.isAway = false
    await first.ledger.flush()
    expect([first.store.entries.size, files(folder).length]).toEqual([2, 2])
    // What the second one leaves is taken over by the next that begins.
    await second.ledger.close()
    const next = begin({ journal: folder })
    await next.ledger.flush()
    expect([next.store.entries.size, files(folder).length]).toEqual([2, 1])
    third.store.isAway = false
    await third.ledger.flush()
    expect([third.store.entries.size, readdirSync(folder)]).toEqual([2, []])
  })

  it('sets aside the one row that the store refuses, and writes all others', async () => {
    const warnings: string[] = []
    const { store, ledger, call } = begin({ journal: folder, warn: (line) => warnings.push(line) })
    const write = store.write.bind(store)
    let writes = 0
    vi.spyOn(store, 'write').mockImplementation(async (entries) => {
      writes++
      if (entries.some(({ table, row }) => table === 'calls' && row.target === 'evil'))
        throw Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' })
      return write(entries)
    })
    for (let n = 0; n < 50; n++) await call(through(n === 17 ? 'evil' : 'claude'), upstream())
    await ledger.flush()
    expect(ledger.state).toMatchObject({ isAway: false, buffered: 0, lost: 0, rejected: 1 })
    expect(store.entries.size).toBe(99)
    expect(writes).toBeLessThan(20)
    const rejected: unknown[] = []
    for await (const each of readRejected(folder)) rejected.push(each)
    expect(rejected).toMatchObject([
      { reason: '22P05: unsupported Unicode escape sequence', entry: { row: { target: 'evil' } } },
    ])
    expect(warnings).toEqual([expect.stringContaining('refused by its database and set aside: 22P05')])
  })

  it('survives a last line that was cut off, and a crash after the store had taken a file', async () => {
    const first = begin({ journal: folder })
    first.store.isAway = true
    await first.call(through('claude'), upstream())
    await first.ledger.flush()
    await first.ledger.close()
    const [file = ''] = files(folder)
    const text = readFileSync(join(folder, file), 'utf8')
    writeFileSync(join(folder, file), `${text}{"table":"calls","row":{"id":"to`)
    const second = begin({ journal: folder })
    await second.ledger.flush()
    expect(second.store.entries.size).toBe(2)
    // As versions before left it: files beside each other.
    writeFileSync(join(folder, basename(file)), text)
    const third = createLedger({ store: second.store, journal: folder, clock: virtualClock() })
    await third.flush()
    expect(second.store.entries.size).toBe(2)
  })
})

it('tells of each attempt as it is booked', async () => {
  const heard: AttemptRow[] = []
  const { ledger, store, call } = begin({ onAttempt: (row) => heard.push(row) })
  await call(through('claude'), upstream())
  await ledger.flush()
  const booked = [...store.entries.values()].filter(({ table }) => table === 'attempts')
  expect(booked.map(({ row }) => row)).toEqual(heard)
  expect(heard).toHaveLength(1)
})

it('refuses options out of range and prices that are no decimals', () => {
  const store = new ListStore()
  expect(() => createLedger({ store, maxRows: -1 })).toThrow('ledger.maxRows must be 0 or more')
  expect(() => createLedger({ store, prices: { ...publishedPrices, geo: { us: 'x' } } })).toThrow(RangeError)
})

describe('what users pass to a ledger', () => {
  it.each(Object.keys(ledgerDefaults))('means the default where it is undefined: %s', (name) => {
    expect(() => begin({ [name]: undefined })).not.toThrow()
  })

  it('loses no row where it throws', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const broken = (): never => {
      throw new Error('broken')
    }
    const reading = { providerOf: broken, endpointOf: broken, roleOf: broken, pricesOf: broken }
    const hooks = { ...reading, onAttempt: broken }
    const { ledger, store, call } = begin(hooks)
    await call((next) => next, upstream(undefined))
    await ledger.close()
    expect(store.rows('attempts')).toHaveLength(1)
    expect(new Set(warn.mock.calls.map(([text]) => String(text).split(' ', 1)[0]))).toEqual(
      new Set(Object.keys(hooks).map((name) => `ledger.${name}`)),
    )
    warn.mockRestore()
  })

  it.each<[string, unknown]>([
    ['a table without prices', {}],
    ['a price that is no decimal', { ...publishedPrices, geo: { us: 'x' } }],
    ['a price without models', { ...publishedPrices, prices: [{ provider: 'anthropic' }] }],
    ['a promise', Promise.resolve(publishedPrices)],
    ['a number', 7],
  ])('books by the usual prices where `pricesOf` answers with %s', async (_, answer) => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { ledger, store, call } = begin({ pricesOf: () => answer as PriceTable })
    for (let times = 0; times < 2; times++) await call(through('claude'), upstream())
    await ledger.flush()
    const { call: usualCall, ...usual } = begin({})
    await usualCall(through('claude'), upstream())
    await usual.ledger.flush()
    const [cost] = usual.store.rows<AttemptRow>('attempts').map((row) => row.cost_nano)
    expect(cost).toBeGreaterThan(0)
    expect(store.rows<AttemptRow>('attempts').map((row) => row.cost_nano)).toEqual([cost, cost])
    expect(warn.mock.calls.map(([text]) => String(text).split(' ', 1)[0])).toEqual(['ledger.pricesOf'])
    warn.mockRestore()
  })

  it('may hear of a failing database without breaking what it watches', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const clock = virtualClock()
    let rounds = 0
    const failing = (): Promise<never> => Promise.reject(new Error(`away ${++rounds}`))
    const store = { pruneCalls: failing, pruneSums: failing, audit: { prune: failing } as never }
    const onError = (): never => {
      throw new Error('broken')
    }
    const retention = startRetention({ store, calls: 0, every: 1_000, onError, clock })
    await clock.advance(3_500)
    expect(rounds).toBe(3)
    expect(warn).toHaveBeenCalledTimes(1)
    await retention.close()
    warn.mockRestore()
  })
})
