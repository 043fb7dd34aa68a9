import { type RecordedRequest, type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { chat, messages, type Received, send } from './raw-client.ts'

/** A second key of the gateway's own. */
const otherKey = { reference: 'env:SPILLWAY_OTHER_TEST_KEY', value: 'sk-other-of-the-gateway' }
process.env.SPILLWAY_OTHER_TEST_KEY = otherKey.value

const at = ({ url }: Pick<SimulatedServer, 'url'>, more: object = {}): object => ({
  url,
  credential: ownKey.reference,
  ...more,
})

const over = (endpoints: readonly object[], more: object = {}): object => ({
  api: 'anthropic',
  endpoints,
  ...more,
})

const answer = { role: 'assistant', content: 'Hello.' }
const goOn = { role: 'user', content: 'And then?' }

/** A turn of a conversation; the first is number 0. */
function turn(number: number, opening = 'Hello?'): object {
  const first = { role: 'user', content: opening }
  return messages({ messages: [first, ...Array.from({ length: number }, () => [answer, goOn]).flat()] })
}

/** Does so many things, at most `width` at a time. */
async function inParallel<T>(count: number, width: number, act: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      results[index] = await act(index)
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  return results
}

describe('keys', () => {
  it('a key that the vendor refuses is taken out, and no call fails for it', async () => {
    const claude = forThisTest(await startClaude({ apiKeys: [otherKey.value] }))
    // The refused key is drawn first.
    const endpoints = [
      at(claude, { name: 'refused', weight: 1_000 }),
      at(claude, { name: 'good', credential: otherKey.reference }),
    ]
    const gateway = await gatewayOf(configOf(over(endpoints)))
    const answers: Received[] = []
    for (let call = 0; call < 20; call++) {
      answers.push(await send(`${gateway.url}/v1/messages`, { body: turn(0, `Hello ${call}?`) }))
    }
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const keys = claude.requests.map(({ headers }) => headers['x-api-key'])
    expect(keys.filter((key) => key === ownKey.value)).toHaveLength(1)
    expect(keys.filter((key) => key === otherKey.value)).toHaveLength(20)
    expect(
      answers
        .map(({ headers }) => headers['x-spillway-attempts'])
        .toSorted()
        .at(-1),
    ).toBe('2')
  })

  it('when all are refused, the vendor’s own answer is passed on', async () => {
    const claude = forThisTest(await startClaude({ apiKeys: ['sk-none-of-these'] }))
    const endpoints = [at(claude), at(claude, { credential: otherKey.reference })]
    const gateway = await gatewayOf(configOf(over(endpoints)))
    const { status, text, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(status).toBe(401)
    expect(JSON.parse(text)).toMatchObject({ error: { type: 'authentication_error' } })
    expect(headers['x-spillway-attempts']).toBe('2')
  })

  it.each([['one endpoint'], ['two endpoints']])(
    'of callers: a wrong one harms nobody else, at %s',
    async (many) => {
      const claude = forThisTest(await startClaude({ apiKeys: ['sk-good'] }))
      const callers = { url: claude.url, credential: 'caller' }
      const endpoints = many === 'one endpoint' ? [callers] : [callers, at(claude)]
      const more = { circuitBreaker: { minimumCalls: 2, openFor: '60s' } }
      const gateway = await gatewayOf(
        configOf(over(endpoints, { routing: { affinity: false } }), undefined, more),
      )
      const ask = async (key: string): Promise<number> =>
        (await send(`${gateway.url}/v1/messages`, { body: messages(), headers: { 'x-api-key': key } })).status
      if (many === 'one endpoint') {
        for (let call = 0; call < 5; call++) expect(await ask('sk-wrong')).toBe(401)
        expect(await ask('sk-good')).toBe(200)
        return
      }
      // The gateway's own key is refused for good; what remains is the caller's.
      for (let call = 0; call < 10; call++) expect(await ask('sk-wrong')).toBe(401)
      for (let call = 0; call < 10; call++) expect(await ask('sk-good')).toBe(200)
      const own = claude.requests.filter(({ headers }) => headers['x-api-key'] === ownKey.value)
      expect(own.length).toBeLessThanOrEqual(1)
    },
  )
})

describe('limits', () => {
  const rateLimit = { requestsPerMinute: 3, maxWait: '1s' }

  async function admitted(credentials: readonly string[]): Promise<number> {
    const claude = forThisTest(await startClaude())
    const endpoints = credentials.map((credential) => at(claude, { credential }))
    const gateway = await gatewayOf(configOf(over(endpoints), undefined, { rateLimit }))
    const answers = await inParallel(10, 1, () => send(`${gateway.url}/v1/messages`, { body: messages() }))
    const passed = answers.filter(({ status }) => status === 200).length
    expect(claude.requests).toHaveLength(passed)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10 - passed)
    return passed
  }

  it('belong to a key: endpoints with the same one share one', async () => {
    expect(await admitted([ownKey.reference, ownKey.reference])).toBe(3)
  })

  it('of one key are no limits of another', async () => {
    expect(await admitted([ownKey.reference, otherKey.reference])).toBe(6)
  })
})

describe('shares', () => {
  it('follow the weights', async () => {
    const heavy = forThisTest(await startClaude({ latencyMs: 30 }))
    const light = forThisTest(await startClaude({ latencyMs: 30 }))
    const gateway = await gatewayOf(configOf(over([at(heavy, { weight: 3 }), at(light)])))
    await inParallel(400, 16, (call) =>
      send(`${gateway.url}/v1/messages`, { body: turn(0, `Hello ${call}?`) }),
    )
    const share = heavy.requests.length / 400
    expect(share).toBeGreaterThan(0.6)
    expect(share).toBeLessThan(0.9)
  })

  it('of an endpoint that is dead go to the others, and no call fails', async () => {
    const servers = [await startClaude(), forThisTest(await startClaude()), forThisTest(await startClaude())]
    const endpoints = servers.map((server) => at(server))
    await servers[0]?.close()
    const more = { retry: { attempts: 2, baseDelay: '1ms', maxDelay: '2ms' } }
    const gateway = await gatewayOf(configOf(over(endpoints), undefined, more))
    const answers = await inParallel(60, 4, (call) =>
      send(`${gateway.url}/v1/messages`, { body: turn(0, `Hello ${call}?`) }),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200))
    const twice = answers.filter(({ headers }) => headers['x-spillway-attempts'] === '2')
    expect(twice.length).toBeLessThan(12)
  })
})

describe('conversations', () => {
  const servers = async (): Promise<SimulatedServer[]> =>
    Promise.all([1, 2, 3].map(async () => forThisTest(await startClaude({ latencyMs: 20 }))))

  /** Which servers have seen each conversation. */
  function homes(
    all: readonly SimulatedServer[],
    of: (request: RecordedRequest) => string,
  ): Map<string, Set<number>> {
    const seen = new Map<string, Set<number>>()
    for (const [index, { requests }] of all.entries()) {
      for (const request of requests) {
        const key = of(request)
        seen.set(key, (seen.get(key) ?? new Set()).add(index))
      }
    }
    return seen
  }

  it('50 at a time keep their endpoints, told by the session of Claude Code', async () => {
    const all = await servers()
    const gateway = await gatewayOf(configOf(over(all.map((server) => at(server)))))
    for (let number = 0; number < 5; number++) {
      await inParallel(50, 50, (session) =>
        send(`${gateway.url}/v1/messages`, {
          body: turn(number),
          headers: { 'x-claude-code-session-id': `session-${session}` },
        }),
      )
    }
    const seen = homes(all, ({ headers }) => headers['x-claude-code-session-id'] as string)
    expect(seen.size).toBe(50)
    expect([...seen.values()].filter(({ size }) => size !== 1)).toEqual([])
    for (const { requests } of all) expect(requests.length).toBeGreaterThan(25)
  })

  it('are told by x-spillway-session too, which no upstream sees', async () => {
    const all = await servers()
    const gateway = await gatewayOf(configOf(over(all.map((server) => at(server)))))
    for (let number = 0; number < 10; number++) {
      await send(`${gateway.url}/v1/messages`, {
        // Nothing but the header says that these belong together.
        body: turn(1, `Hello ${number}?`),
        headers: { 'x-spillway-session': 'mine' },
      })
    }
    expect(all.map(({ requests }) => requests.length).toSorted()).toEqual([0, 0, 10])
    expect(
      all.flatMap(({ requests }) => requests.map(({ headers }) => headers['x-spillway-session'])),
    ).toEqual(Array(10).fill(undefined))
  })

  it('are told by what they begin with where no header does', async () => {
    const all = await servers()
    const gateway = await gatewayOf(configOf(over(all.map((server) => at(server)))))
    for (let number = 0; number < 4; number++) {
      await inParallel(20, 20, (index) =>
        send(`${gateway.url}/v1/messages`, { body: turn(number, `Opening ${index}`) }),
      )
    }
    const opening = ({ json }: RecordedRequest): string =>
      (json as { messages: { content: string }[] }).messages[0]?.content as string
    const seen = homes(all, opening)
    expect(seen.size).toBe(20)
    expect([...seen.values()].filter(({ size }) => size !== 1)).toEqual([])
  })

  it('affinity: false spreads every call by itself', async () => {
    const all = await servers()
    const routing = { affinity: false }
    const gateway = await gatewayOf(
      configOf(
        over(
          all.map((server) => at(server)),
          { routing },
        ),
      ),
    )
    await inParallel(60, 12, () =>
      send(`${gateway.url}/v1/messages`, { body: turn(1), headers: { 'x-spillway-session': 'mine' } }),
    )
    for (const { requests } of all) expect(requests.length).toBeGreaterThan(0)
  })
})

describe('hedging', () => {
  it('asks a second endpoint, cancels the loser at its socket, and counts both attempts', async () => {
    const slow = forThisTest(await startClaude())
    slow.always({ type: 'slow-headers', ms: Infinity })
    const quick = forThisTest(await startClaude({ reply: { text: 'From the quick one.' } }))
    // The slow one is drawn first.
    const endpoints = [at(slow, { weight: 1_000_000 }), at(quick)]
    const routing = { hedge: { after: '50ms', maxExtra: 1 } }
    const calls: AnsweredCall[] = []
    const gateway = await gatewayOf(configOf(over(endpoints, { routing })), calls)
    const { status, headers, text } = await send(`${gateway.url}/v1/messages`, {
      body: messages({ stream: true }),
    })
    expect(status).toBe(200)
    expect(text).toContain('quick')
    expect(headers['x-spillway-attempts']).toBe('2')
    expect(headers).not.toHaveProperty('x-spillway-fallback')
    await slow.requests[0]?.closedByPeer
    await vi.waitFor(() => expect(calls[0]?.record.attempts).toHaveLength(2))
    const kinds = calls[0]?.record.attempts.map(({ outcome }) => outcome?.failure?.kind)
    expect(kinds?.toSorted()).toEqual(['cancelled', undefined])
    expect([slow.requests.length, quick.requests.length]).toEqual([1, 1])
  })

  it('spends no more than maxExtra', async () => {
    const claude = forThisTest(await startClaude({ latencyMs: 30 }))
    const other = forThisTest(await startClaude({ latencyMs: 30 }))
    const routing = { hedge: { after: '1ms', maxExtra: 0.1 } }
    const gateway = await gatewayOf(configOf(over([at(claude), at(other)], { routing })))
    await inParallel(50, 5, () => send(`${gateway.url}/v1/messages`, { body: messages() }))
    expect(claude.requests.length + other.requests.length).toBe(55)
  })
})

describe('hedges are paid for by the budget of retries', () => {
  const requestsOf = async (calls: number, retry: object, more: object = {}): Promise<number> => {
    const servers = [
      forThisTest(await startClaude({ latencyMs: 25 })),
      forThisTest(await startClaude({ latencyMs: 25 })),
    ] as const
    const routing = { hedge: { after: '1ms', maxExtra: 1 } }
    const endpoints = servers.map((server) => at(server, more))
    const gateway = await gatewayOf(configOf(over(endpoints, { routing, retry })))
    await inParallel(calls, 20, () => send(`${gateway.url}/v1/messages`, { body: messages() }))
    return servers[0].requests.length + servers[1].requests.length
  }

  it.each([{}, { credential: 'caller' }])('with a budget of 0 there are none: %o', async (more) => {
    expect(await requestsOf(200, { budget: 0 }, more)).toBe(200)
  })

  it('a budget bounds both together', async () => {
    const requests = await requestsOf(100, { budget: 0.1 })
    expect(requests).toBeGreaterThan(110)
    expect(requests).toBeLessThanOrEqual(120)
  })
})

describe('OpenRouter’s own fields', () => {
  const openrouter = {
    models: ['anthropic/claude-opus-5.5', 'anthropic/claude-sonnet-5.5'],
    provider: { order: ['anthropic'], allow_fallbacks: false },
  }

  it.each([
    ['openrouter', '/v1/messages', messages()],
    ['openrouter', '/v1/chat/completions', chat()],
    ['openai', '/v1/messages', messages()],
    ['openai', '/v1/chat/completions', chat()],
  ])('reach the upstream, of api %s by %s', async (api, path, body) => {
    const server = forThisTest(await startOpenRouter())
    const gateway = await gatewayOf(configOf(targetAt(server, api, { openrouter })))
    const { status } = await send(`${gateway.url}${path}`, { body })
    expect(status).toBe(200)
    expect(server.requests[0]?.json).toMatchObject(openrouter)
  })

  it('stay the caller’s where the caller has set them', async () => {
    const server = forThisTest(await startOpenRouter())
    const gateway = await gatewayOf(configOf(targetAt(server, 'openrouter', { openrouter })))
    const provider = { sort: 'price' }
    await send(`${gateway.url}/v1/messages`, { body: messages({ provider }) })
    expect(server.requests[0]?.json).toEqual({ ...messages(), models: openrouter.models, provider })
  })

  it('do not stand in requests that only count tokens', async () => {
    const server = forThisTest(await startOpenRouter())
    const gateway = await gatewayOf(configOf(targetAt(server, 'openrouter', { openrouter })))
    const { max_tokens: _, ...body } = messages()
    const { status, text } = await send(`${gateway.url}/v1/messages/count_tokens`, { body })
    expect(status).toBe(200)
    expect(JSON.parse(text).input_tokens).toBeGreaterThan(0)
    expect(server.requests).toHaveLength(0)
  })
})
