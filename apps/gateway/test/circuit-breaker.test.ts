import { type Fault, type SimulatedServer, startClaude, startOllama } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, type Received, send } from './raw-client.ts'

/** How long each attempt waits for Claude while the circuit is closed, in milliseconds. */
const patience = 300
const minimumCalls = 4
const halfOpenProbes = 2

interface Setup {
  readonly claude: SimulatedServer
  readonly local: SimulatedServer
  readonly gateway: Gateway
}

async function gatewayWithBreaker(breaker: object): Promise<Setup> {
  const claude = forThisTest(await startClaude())
  const local = forThisTest(await startOllama({ models: ['m'] }))
  const limits = { timeouts: { headers: `${patience}ms`, firstContent: `${patience}ms` } }
  const second = { api: 'ollama', endpoints: [{ url: local.url }], model: 'm' }
  const circuitBreaker = { minimumCalls, halfOpenProbes, ...breaker }
  const config = configOf(targetAt(claude, 'anthropic', limits), second, { circuitBreaker })
  return { claude, local, gateway: await gatewayOf(config) }
}

/** So many calls at a time. */
function ask({ gateway }: Setup, calls: number, body: object = {}): Promise<Received[]> {
  const one = () => send(`${gateway.url}/v1/messages`, { body: messages(body) })
  return Promise.all(Array.from({ length: calls }, one))
}

const servedBy = (answers: readonly Received[]): unknown[] =>
  answers.map(({ headers }) => headers['x-spillway-served-by'])

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}

const dead: readonly (readonly [string, Fault, object])[] = [
  ['answers 529', { type: 'status', status: 529 }, {}],
  ['never sends headers', { type: 'slow-headers', ms: Infinity }, {}],
  ['resets connections', { type: 'reset' }, { stream: true }],
  ['never sends a token', { type: 'slow-first-token', ms: Infinity, pings: 50 }, { stream: true }],
]

describe.each(dead)('while Claude %s', (_, fault, body) => {
  it('calls reach the local model in less than 5 ms once the circuit is open', { retry: 2 }, async () => {
    const setup = await gatewayWithBreaker({ openFor: '60s' })
    const { claude, local } = setup
    claude.always(fault)
    await ask(setup, minimumCalls, body)
    expect(claude.requests).toHaveLength(minimumCalls)
    const waited: number[] = []
    for (let call = 0; call < 50; call++) {
      const begun = performance.now()
      const [answer] = await ask(setup, 1, body)
      // From the client's first step to the arrival at the local model, both connections included.
      waited.push((local.requests.at(-1)?.receivedAt ?? Infinity) - begun)
      expect(answer).toMatchObject({ status: 200, ended: 'end' })
      expect(answer?.headers).toMatchObject({
        'x-spillway-served-by': 'local',
        'x-spillway-fallback': 'circuit_open',
        'x-spillway-attempts': '1',
      })
    }
    expect(claude.requests).toHaveLength(minimumCalls)
    expect(median(waited)).toBeLessThan(5)
    expect(Math.max(...waited)).toBeLessThan(patience)
  })
})

it('when Claude is back, probes alone reach it, and then all calls', async () => {
  const setup = await gatewayWithBreaker({ openFor: '200ms' })
  const { claude } = setup
  claude.always({ type: 'status', status: 529 })
  await ask(setup, minimumCalls)
  // Its answers take long enough for all calls of a burst to meet the same probes.
  claude.always({ type: 'slow-headers', ms: 100 })
  let probes = 0
  while (probes < halfOpenProbes) {
    const answers = await ask(setup, 6)
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    probes += servedBy(answers).filter((name) => name === 'claude').length
  }
  expect(probes).toBe(halfOpenProbes)
  expect(claude.requests).toHaveLength(minimumCalls + halfOpenProbes)
  expect(servedBy(await ask(setup, 6))).toEqual(Array(6).fill('claude'))
})

it('while Claude stays dead, each probe is a failed attempt of one call, which the local model answers', async () => {
  const setup = await gatewayWithBreaker({ openFor: '100ms', halfOpenProbes: 1 })
  const { claude, local } = setup
  claude.always({ type: 'status', status: 529 })
  await ask(setup, minimumCalls)
  const reasons = new Map<unknown, number>()
  while (claude.requests.length < minimumCalls + 3) {
    const [answer] = await ask(setup, 1)
    const reason = answer?.headers['x-spillway-fallback']
    expect(answer?.status).toBe(200)
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  expect(reasons.get('overloaded')).toBe(3)
  expect([...reasons.keys()].toSorted()).toEqual(['circuit_open', 'overloaded'])
  expect(servedBy(await ask(setup, 1))).toEqual(['local'])
  const gaps = claude.requests
    .slice(minimumCalls)
    .map(({ receivedAt }, index, all) => receivedAt - (all[index - 1]?.receivedAt ?? -Infinity))
  // Timers may be a millisecond early.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(99)
  expect(local.requests.length).toBeGreaterThan(minimumCalls + 3)
})

it('a 429 asks to be paced and opens nothing', async () => {
  const setup = await gatewayWithBreaker({ openFor: '60s' })
  const { claude } = setup
  claude.always({ type: 'status', status: 429 })
  for (let call = 0; call < 3; call++) await ask(setup, minimumCalls)
  expect(claude.requests).toHaveLength(3 * minimumCalls)
})

it('a circuit is one model’s: others are still asked', async () => {
  const setup = await gatewayWithBreaker({ openFor: '60s' })
  const { claude } = setup
  claude.always({ type: 'status', status: 529 })
  await ask(setup, minimumCalls, { model: 'claude-opus-5-5' })
  claude.always(undefined)
  expect(servedBy(await ask(setup, 1, { model: 'claude-opus-5-5' }))).toEqual(['local'])
  expect(servedBy(await ask(setup, 1, { model: 'claude-haiku-5-5' }))).toEqual(['claude'])
})

it('enabled: false leaves the circuit out', async () => {
  const setup = await gatewayWithBreaker({ openFor: '60s', enabled: false })
  const { claude } = setup
  claude.always({ type: 'status', status: 529 })
  for (let call = 0; call < 3; call++) await ask(setup, minimumCalls)
  expect(claude.requests).toHaveLength(3 * minimumCalls)
})

it('without a fallback the client hears why it is refused, in its protocol, and when to come back', async () => {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'status', status: 529 })
  const circuitBreaker = { minimumCalls, openFor: '60s' }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { circuitBreaker }))
  const asked = () => send(`${gateway.url}/v1/messages`, { body: messages() })
  for (let call = 0; call < minimumCalls; call++) await asked()
  const { status, headers, text } = await asked()
  expect(JSON.parse(text)).toMatchObject({
    type: 'error',
    error: { message: expect.stringMatching(/circuit/) },
  })
  expect(status).toBe(503)
  expect(Number(headers['retry-after'])).toBeGreaterThan(50)
  expect(headers).toMatchObject({ 'x-spillway-attempts': '0', 'x-should-retry': 'false' })
})
