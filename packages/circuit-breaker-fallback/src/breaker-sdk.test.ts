import Anthropic from '@anthropic-ai/sdk'
import { attempt, fetchTransport } from '@spillway/attempt'
import {
  type Clock,
  deriveRequest,
  listen,
  type Middleware,
  type SpillwayEvent,
  systemClock,
} from '@spillway/middleware'
import { type Fault, type SimulatedServer, startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { keyCircuit } from './circuit-breaker.ts'
import {
  type CircuitBreakerOptions,
  createCircuitBreaker,
  fallback,
  target,
  timeouts,
  wrapFetch,
} from './index.ts'

const model = 'claude-sonnet-5-5'
const quick = { minimumCalls: 4, openFor: 60_000, halfOpenProbes: 2 }

/** Real time that can be set forward. */
function settableClock(): Clock & { forward(ms: number): void } {
  let ahead = 0
  return {
    ...systemClock,
    now: () => systemClock.now() + ahead,
    epoch: () => systemClock.epoch() + ahead,
    forward(ms) {
      ahead += ms
    },
  }
}

/** The official SDK before a breaker and a simulated Claude, with another server as its fallback. */
async function setUp(options: CircuitBreakerOptions = {}, firstContent = 60_000) {
  const claude = await startClaude({ reply: { text: 'From Claude.' } })
  const local = await startClaude({ reply: { text: 'From the fallback.' } })
  const breaker = createCircuitBreaker({ ...quick, ...options })
  const clock = settableClock()
  const events: SpillwayEvent[] = []
  const watch: Middleware = (next) => (request) =>
    next(listen(deriveRequest(request, { clock }), (event) => events.push(event)))
  const toLocal = attempt(
    fetchTransport((_url, init) => {
      const headers = new Headers(init?.headers)
      headers.set('x-api-key', 'sk-local')
      return fetch(`${local.url}/v1/messages`, { ...init, headers })
    }),
  )
  const sdk = new Anthropic({
    apiKey: 'sk-test',
    baseURL: claude.url,
    maxRetries: 0,
    fetch: wrapFetch(
      fetch,
      watch,
      timeouts({ firstContent }),
      fallback([target('local', toLocal)]),
      breaker.middleware,
    ),
  })
  const ask = async (stream = false): Promise<string> => {
    const params = { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'Hi' }] }
    const message = stream
      ? await sdk.messages.stream(params).finalMessage()
      : await sdk.messages.create(params)
    return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  }
  const state = (key = model): string | undefined => breaker.states().find((each) => each.key === key)?.state
  const stop = async (): Promise<void> => {
    await Promise.all([claude[Symbol.asyncDispose](), local[Symbol.asyncDispose]()])
  }
  return { claude, local, breaker, clock, events, sdk, ask, state, [Symbol.asyncDispose]: stop }
}

function received(server: SimulatedServer): number {
  return server.requests.length
}

const deaths: readonly (readonly [string, Fault, boolean])[] = [
  ['answers 529', { type: 'status', status: 529 }, false],
  ['answers 529 to streams', { type: 'status', status: 529 }, true],
  ['resets connections', { type: 'reset' }, false],
  ['begins streams and stalls', { type: 'slow-first-token', ms: Infinity }, true],
  ['says that it is overloaded inside a 200', { type: 'error-in-200', at: 'start' }, true],
]

it.each(deaths)('opens when Claude %s, and closes when it is back', async (_name, fault, stream) => {
  await using made = await setUp({}, 100)
  const { claude, clock, ask, state } = made
  claude.always(fault)
  for (let i = 0; i < 4; i++) expect(await ask(stream)).toBe('From the fallback.')
  expect([state(), received(claude)]).toEqual(['open', 4])

  for (let i = 0; i < 5; i++) expect(await ask(stream)).toBe('From the fallback.')
  expect(received(claude)).toBe(4)

  claude.always(undefined)
  clock.forward(60_000)
  expect(await ask(stream)).toBe('From Claude.')
  expect(state()).toBe('half_open')
  expect(await ask(stream)).toBe('From Claude.')
  expect(state()).toBe('closed')
})

it('lets a call reach the fallback in under 5 ms, without waiting for any timeout', {
  retry: 2,
}, async () => {
  await using made = await setUp({}, 100)
  const { claude, ask, state, events } = made
  claude.always({ type: 'slow-first-token', ms: Infinity })
  for (let i = 0; i < 4; i++) await ask(true)
  expect(state()).toBe('open')
  const taken: number[] = []
  for (let i = 0; i < 21; i++) {
    const before = events.length
    const begun = made.clock.now()
    await ask(true)
    const started = events.slice(before).find(({ type }) => type === 'attempt.started')
    expect(started?.target).toBe('local')
    taken.push((started?.at ?? Infinity) - begun)
  }
  const median = taken.sort((a, b) => a - b)[10]
  expect(median).toBeLessThan(5)
})

it('sends probes only while it is half-open, the rest goes on to the fallback', async () => {
  await using made = await setUp()
  const { claude, clock, ask, state } = made
  claude.always({ type: 'status', status: 529 })
  for (let i = 0; i < 4; i++) await ask()
  claude.always({ type: 'slow-headers', ms: 100 })
  clock.forward(60_000)
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask()))
  expect(answers.filter((text) => text === 'From Claude.')).toHaveLength(2)
  expect(answers.filter((text) => text === 'From the fallback.')).toHaveLength(8)
  expect(received(claude)).toBe(6)
  expect(state()).toBe('closed')
  claude.always(undefined)
  expect(new Set(await Promise.all(Array.from({ length: 10 }, () => ask())))).toEqual(
    new Set(['From Claude.']),
  )
})

it('stays open when the probes fail', async () => {
  await using made = await setUp()
  const { claude, clock, ask, state } = made
  claude.always({ type: 'status', status: 529 })
  for (let i = 0; i < 4; i++) await ask()
  for (let round = 1; round <= 3; round++) {
    clock.forward(60_000)
    await ask()
    expect([state(), received(claude)]).toEqual(['open', 4 + round])
  }
})

it('opens for streams that die half-way', async () => {
  await using made = await setUp()
  const { claude, ask, state } = made
  claude.always({ type: 'cut', at: 'after-content', how: 'reset', afterChunks: 1 })
  for (let i = 0; i < 4; i++) await expect(ask(true)).rejects.toThrow()
  expect([state(), await ask(true)]).toEqual(['open', 'From the fallback.'])
})

it('never opens for a 429, nor for what the caller did wrong', async () => {
  await using made = await setUp()
  const { claude, ask, state, sdk } = made
  claude.always({ type: 'status', status: 429, retryAfter: 1 })
  for (let i = 0; i < 20; i++) await ask()
  claude.always(undefined)
  for (let i = 0; i < 20; i++) {
    const params = { model, max_tokens: -1, messages: [] }
    await expect(sdk.messages.create(params)).rejects.toThrow(Anthropic.BadRequestError)
  }
  expect([state(), state(keyCircuit)]).toEqual(['closed', 'closed'])
})

it('opens for the key when it is refused, whatever the model', async () => {
  await using made = await setUp()
  const { claude, ask, state } = made
  claude.always({ type: 'status', status: 401 })
  for (let i = 0; i < 4; i++) await ask()
  expect([state(), state(keyCircuit)]).toEqual(['closed', 'open'])
  await ask()
  expect(received(claude)).toBe(4)
})

it('does not count a caller who leaves', async () => {
  await using made = await setUp()
  const { claude, sdk, state } = made
  claude.always({ type: 'slow-first-token', ms: Infinity })
  for (let i = 0; i < 6; i++) {
    const leaving = new AbortController()
    const params = { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'Hi' }] }
    const call = sdk.messages.create({ ...params, stream: true }, { signal: leaving.signal })
    while (received(claude) <= i) await new Promise((resolve) => setImmediate(resolve))
    leaving.abort()
    await expect(call).rejects.toThrow()
  }
  expect([state(), made.breaker.states().every(({ calls }) => calls === 0)]).toEqual(['closed', true])
})
