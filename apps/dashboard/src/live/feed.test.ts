import type { CallRow } from '@spillway/gateway-api'
import { expect, it } from 'vitest'
import { openFeed } from './feed.ts'
import { Tally } from './tally.ts'

/** An event source that the test plays. */
class PlayedSource extends EventTarget {
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  readyState = 0

  say(type: string, data: unknown): void {
    this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data) }))
  }

  fail(readyState: number): void {
    this.readyState = readyState
    this.onerror?.()
  }

  close(): void {
    this.readyState = 2
  }
}

function playedFeed() {
  const sources: PlayedSource[] = []
  const timers: { readonly run: () => void; readonly ms: number }[] = []
  const feed = openFeed({
    connect: () => {
      sources.push(new PlayedSource())
      return sources.at(-1) as unknown as EventSource
    },
    now: () => 1_000_000,
    setTimeout: (run, ms) => timers.push({ run, ms }),
    clearTimeout: () => {},
  })
  return { feed, sources, timers, source: () => sources.at(-1) as PlayedSource }
}

function call(id: string, more: Partial<CallRow> = {}): CallRow {
  const tokens = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, reasoning: 0 }
  return {
    id,
    at: 1,
    tenant: null,
    tenantName: null,
    session: null,
    model: 'm',
    modelAnswered: 'm',
    target: 'claude',
    stream: true,
    attempts: 1,
    fallback: null,
    failure: null,
    status: 200,
    firstContentMs: 1,
    totalMs: 2,
    tokens,
    estimated: false,
    costNano: '1',
    ...more,
  }
}

it('ten thousand calls at once are one rendering of the newest hundred, and all are counted', () => {
  const { feed, source, timers } = playedFeed()
  for (let index = 0; index < 10_000; index++) source().say('call', call(`c${index}`))
  expect(feed.calls.value).toEqual([])
  expect(timers).toHaveLength(1)
  timers[0]?.run()
  expect(feed.calls.value.map(({ id }) => id).slice(0, 2)).toEqual(['c9999', 'c9998'])
  expect(feed.calls.value).toHaveLength(100)
  expect(feed.recent.value.calls).toBe(10_000)
})

it('calls of the past go below, each once', () => {
  const { feed, source, timers } = playedFeed()
  source().say('call', call('b'))
  source().say('call', call('c'))
  timers[0]?.run()
  feed.fill([call('b'), call('a')])
  expect(feed.calls.value.map(({ id }) => id)).toEqual(['c', 'b', 'a'])
})

it('where the browser gives up it connects again, each time later, and at once after it was well', () => {
  const { feed, source, sources, timers } = playedFeed()
  expect(feed.status.value).toBe('connecting')
  for (let turn = 0; turn < 8; turn++) {
    source().fail(2)
    expect(feed.status.value).toBe('waiting')
    timers.at(-1)?.run()
  }
  expect(timers.map(({ ms }) => ms)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  expect(sources).toHaveLength(9)
  source().onopen?.()
  expect(feed.status.value).toBe('live')
  source().fail(2)
  expect(timers.at(-1)?.ms).toBe(1000)
})

it('where the browser tries again by itself it is left to it', () => {
  const { feed, source, sources, timers } = playedFeed()
  source().fail(0)
  expect(feed.status.value).toBe('waiting')
  expect([sources.length, timers.length]).toEqual([1, 0])
})

it('a closed feed stays closed', () => {
  const { feed, source, timers } = playedFeed()
  feed.close()
  source().fail(2)
  expect(timers).toHaveLength(0)
})

it('a change of a circuit is passed on', () => {
  const { feed, source } = playedFeed()
  source().say('circuit', { target: 'claude', endpoint: 'a', circuit: { key: 'm', state: 'open' } })
  expect(feed.circuit.value).toMatchObject({ target: 'claude', circuit: { state: 'open' } })
})

it('a tally forgets what is older than its window, and a caller who left is no error', () => {
  const tally = new Tally(60_000)
  tally.count({ failure: null, target: 'claude' }, 0)
  tally.count({ failure: null, target: 'local' }, 30_000)
  tally.count({ failure: 'cancelled', target: 'local' }, 30_500)
  tally.count({ failure: 'timeout', target: null }, 31_000)
  expect(tally.sum(31_000)).toEqual({
    calls: 4,
    errors: 1,
    targets: [
      ['local', 2],
      ['claude', 1],
    ],
  })
  expect(tally.sum(61_000).calls).toBe(3)
  expect(tally.sum(200_000).calls).toBe(0)
})
