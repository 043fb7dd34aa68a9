import { type ReadonlySignal, signal } from '@preact/signals'
import type { CallRow, LiveCircuit } from '@spillway/gateway-api'
import { type Tallied, Tally } from './tally.ts'

/** `live` while events come; `waiting` between two tries to connect. */
export type FeedStatus = 'connecting' | 'live' | 'waiting'

/** The live events of the gateway, in a form that costs the same at any rate of calls. */
export interface Feed {
  readonly status: ReadonlySignal<FeedStatus>
  /** The newest calls, newest first; no more than {@link keptCalls}. */
  readonly calls: ReadonlySignal<readonly CallRow[]>
  /** The last five minutes. */
  readonly recent: ReadonlySignal<Tallied>
  /** The last change of a circuit. */
  readonly circuit: ReadonlySignal<LiveCircuit | undefined>
  /** Puts calls of the past below those that have come. */
  fill(calls: readonly CallRow[]): void
  close(): void
}

export interface FeedOptions {
  readonly connect: () => EventSource
  readonly now: () => number
  readonly setTimeout: (run: () => void, ms: number) => unknown
  readonly clearTimeout: (timer: unknown) => void
}

/** More rows than a reader follows, and few enough to render at once. */
export const keptCalls = 100
/** How often a screen is rendered at most, in milliseconds. */
const renderEvery = 250
const tallied = 5 * 60_000
const firstWait = 1_000
const longestWait = 30_000

/** Connects, and connects again with growing waits whenever the browser gives up. */
export function openFeed(options: FeedOptions): Feed {
  const status = signal<FeedStatus>('connecting')
  const calls = signal<readonly CallRow[]>([])
  const tally = new Tally(tallied)
  const recent = signal<Tallied>(tally.sum(options.now()))
  const circuit = signal<LiveCircuit>()
  let source: EventSource
  let arrived: CallRow[] = []
  let rendering: unknown
  let retrying: unknown
  let wait = firstWait
  let isClosed = false

  const render = (): void => {
    rendering = undefined
    if (arrived.length > 0) calls.value = newest([...arrived.reverse(), ...calls.peek()])
    arrived = []
    recent.value = tally.sum(options.now())
  }
  const connect = (): void => {
    source = options.connect()
    source.onopen = () => {
      status.value = 'live'
      wait = firstWait
    }
    source.onerror = () => {
      if (isClosed) return
      status.value = 'waiting'
      // The browser itself tries again after a lost connection, but not after an answer that was no stream.
      if (source.readyState !== 2) return
      source.close()
      retrying = options.setTimeout(connect, wait)
      wait = Math.min(wait * 2, longestWait)
    }
    source.addEventListener('call', ({ data }: MessageEvent<string>) => {
      const call = JSON.parse(data) as CallRow
      tally.count(call, options.now())
      arrived.push(call)
      if (arrived.length > keptCalls) arrived.shift()
      rendering ??= options.setTimeout(render, renderEvery)
    })
    source.addEventListener('circuit', ({ data }: MessageEvent<string>) => {
      circuit.value = JSON.parse(data) as LiveCircuit
    })
    source.addEventListener('ping', () => {
      rendering ??= options.setTimeout(render, renderEvery)
    })
  }
  connect()

  return {
    status,
    calls,
    recent,
    circuit,
    fill: (older) => {
      calls.value = newest([...calls.peek(), ...older])
    },
    close() {
      isClosed = true
      source.close()
      options.clearTimeout(rendering)
      options.clearTimeout(retrying)
    },
  }
}

/** Each call once, the first mention of it, and not too many. */
function newest(calls: readonly CallRow[]): readonly CallRow[] {
  const seen = new Set<string>()
  return calls.filter(({ id }) => !seen.has(id) && seen.add(id)).slice(0, keptCalls)
}
