import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CallRow,
  createAuditTrail,
  createLedger,
  type Entry,
  type LedgerStore,
  openLedgerStore,
} from '@spillway/ledger'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { openChannel } from './channel.ts'
import { remoteLedger, serveLedger } from './ledger-channel.ts'

const folder = mkdtempSync(join(tmpdir(), 'spillway-hub-'))
afterEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
})

const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }

const call = (id: string, changes: Partial<CallRow> = {}): Entry => ({
  table: 'calls',
  row: {
    ...{ id, call_id: `call ${id}`, started_at: Date.UTC(2026, 10, 27), tenant: null, api: 'anthropic' },
    ...{
      operation: 'generate',
      model_asked: 'claude',
      model_answered: 'claude',
      target: 'claude',
      attempts: 1,
    },
    ...{ failure: null, status: 200, stop_reason: 'end_turn', ttft_ms: 10, total_ms: 20, stream: 0 },
    ...{ fallback_from: null, fallback_to: null, fallback_reason: null, session: null },
    ...changes,
  },
})

function openStore(url = 'sqlite::memory:'): LedgerStore {
  const store = openLedgerStore(url, { warn: () => {} })
  onTestFinished(() => store.close())
  return store
}

/** A worker of a primary that has a store open. */
function worker(store: LedgerStore) {
  const [port, there] = portPair()
  serveLedger(store, openChannel(there))
  return { port, there, ledger: remoteLedger(openChannel(port)) }
}

/** On a machine with much else to do. */
const soon = 20_000

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the ledger of the primary', { timeout: 40_000 }, () => {
  it('takes what workers write, each row once, and answers them all the same views', async () => {
    const store = openStore()
    const [one, other] = [worker(store).ledger, worker(store).ledger]
    expect(
      await Promise.all([one.write([call('a'), call('b')]), other.write([call('b'), call('c')])]),
    ).toEqual([2, 1])
    expect(await one.countCalls(ever)).toBe(3)
    expect(await other.calls({ limit: 1000 })).toEqual(await store.calls({ limit: 1000 }))
    expect(await one.callStory('call c')).toMatchObject({ call: { callId: 'call c' } })
    expect(await one.callStory('call d')).toBeNull()
    const entry = { id: '1', at: 1, actor: 'gateway', action: 'gateway.started', details: {} }
    await Promise.all([one.audit.append([entry]), other.audit.append([entry, { ...entry, id: '2' }])])
    expect(await one.audit.read(0, 10)).toHaveLength(2)
  })

  it('fails as it does in the primary: by class, message and codes', async () => {
    const { ledger } = worker(openStore())
    await expect(ledger.calls({ limit: 0 })).rejects.toBeInstanceOf(RangeError)
    const refused = await ledger
      .write([call('a', { total_ms: 'text' as never })])
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ errcode: expect.any(Number) })
  })

  it('has no methods but those of a store', async () => {
    const [here, there] = portPair()
    const store = openStore()
    serveLedger(store, openChannel(there))
    const channel = openChannel(here)
    for (const name of ['close', 'constructor', 'ready', '__proto__', 'toString'])
      await expect(
        channel.ask({ name: 'ledger.ask' }, { part: 'store', name, parameters: [] } as never),
      ).rejects.toThrow(`a store has no ${name}`)
  })

  it('hears that a writer no longer waits, which waits until the write has ended: none piles up', async () => {
    const signals: AbortSignal[] = []
    const ended = Promise.withResolvers<number>()
    const { ledger } = worker({
      ...openStore(),
      write: (_: readonly Entry[], signal?: AbortSignal) => {
        if (signal) signals.push(signal)
        return ended.promise
      },
    })
    const writer = new AbortController()
    const settled = vi.fn()
    const write = ledger.write([call('a')], writer.signal).finally(settled)
    await vi.waitFor(() => expect(signals).toHaveLength(1), soon)
    writer.abort(new Error('too slow'))
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true), soon)
    await turn()
    expect(settled).not.toHaveBeenCalled()
    ended.resolve(1)
    expect(await write).toBe(1)
  })
})

describe('what a worker has booked', { timeout: 40_000 }, () => {
  const open = (ledger: LedgerStore) =>
    createLedger({ store: ledger, journal: join(folder, 'journal'), maxWait: 5, warn: () => {} })

  it('waits on disk when the primary is gone, and is taken over by the next start, once', async () => {
    const store = openStore()
    const first = worker(store)
    const books = open(first.ledger)
    books.book([call('a')])
    await books.flush()
    // It writes this, and its answer is lost.
    const write = store.write.bind(store)
    const written = Promise.withResolvers<void>()
    store.write = async (entries) => {
      const count = await write(entries)
      first.port.cut()
      written.resolve()
      return count
    }
    books.book([call('b')])
    await written.promise
    store.write = write
    books.book([call('c')])
    await books.flush()
    expect(books.state).toMatchObject({ isAway: true, lost: 0 })
    await books.close()
    expect(await store.countCalls(ever)).toBe(2)

    const next = open(worker(store).ledger)
    await vi.waitFor(async () => expect(await store.countCalls(ever)).toBe(3), soon)
    await next.close()
    expect((await store.calls({ limit: 10 })).calls.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c'])
    expect(await store.totals('model', ever)).toMatchObject([{ calls: 3 }])
  })

  it('has a journal of each worker, in one folder', async () => {
    const store = openStore()
    const workers = [worker(store), worker(store)]
    const all = workers.map(({ ledger }) => open(ledger))
    for (const [index, { port }] of workers.entries()) {
      port.cut()
      all[index]?.book([call(`of ${index}`)])
    }
    await Promise.all(all.map((books) => books.flush()))
    expect(all.map(({ state }) => state.isAway)).toEqual([true, true])
    await Promise.all(all.map((books) => books.close()))
    const next = open(worker(store).ledger)
    await vi.waitFor(async () => expect(await store.countCalls(ever)).toBe(2), soon)
    await next.close()
  })

  it('and what its operators did is in one chain of the audit log', async () => {
    const store = openStore()
    const trails = [1, 2].map(() => createAuditTrail({ log: worker(store).ledger.audit, warn: () => {} }))
    for (let act = 0; act < 20; act++)
      trails[act % 2]?.record({ actor: `worker ${act % 2}`, action: 'act', details: {} })
    await Promise.all(trails.map((trail) => trail.close()))
    const rows = await store.audit.read(0, 100)
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })
})
