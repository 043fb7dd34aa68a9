import { createRequest } from '@spillway/middleware'
import { jsonBodyFromObject, type NewModelRequest } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { startClaude } from './claude.ts'
import { type EnforcedLimits, enforceLimits } from './enforced-limits.ts'
import { limitedVendor, type SimulatedAnswer, type VendorHandle } from './limited-vendor.ts'
import { startOpenRouter } from './openrouter.ts'
import { promptCache } from './prompt-cache.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

const model = 'claude-opus-5-5'

interface Seen {
  status: number
  headers: Readonly<Record<string, string>>
  text: string
  handle: VendorHandle
}

function setUp(
  limits: object,
  answer: SimulatedAnswer,
): { clock: VirtualClock; enforced: EnforcedLimits; send(changes?: Partial<NewModelRequest>): Seen } {
  const clock = virtualClock()
  const enforced = enforceLimits({ limits, clock })
  const vendor = limitedVendor({ limits: enforced, answer: () => answer })
  return {
    clock,
    enforced,
    send(changes = {}) {
      const seen: Partial<Seen> = { status: 0, headers: {}, text: '' }
      const request = createRequest({
        ...{ api: 'anthropic', model, stream: true, url: '/v1/messages', clock },
        body: jsonBodyFromObject({ model, max_tokens: 9_000, messages: [] }),
        ...changes,
      })
      seen.handle = vendor.transport(request, {
        headers(status, headers) {
          Object.assign(seen, { status, headers })
        },
        data(chunk) {
          seen.text += Buffer.from(chunk).toString()
        },
        end() {
          seen.text += '<end>'
        },
      })
      return seen as Seen
    },
  }
}

describe('in process', () => {
  const answer = {
    promptTokens: 10_000,
    conversation: 'a',
    outputTokens: 800,
    firstTokenMs: 1_000,
    outputMs: 8_000,
  }

  it('streams, and counts output as it comes', async () => {
    const { clock, enforced, send } = setUp({ outputTokensPerMinute: 60_000 }, answer)
    const seen = send()
    expect(seen.status).toBe(0)
    await clock.advance(1_000)
    expect([seen.status, seen.text.match(/event: \w+/g)?.[0]]).toEqual([200, 'event: message_start'])
    enforced.admit({ model, inputTokens: 1 })
    await clock.advance(2_000)
    expect(enforced.meters(model).outputTokens?.remaining).toBe(59_800)
    await clock.runAll()
    expect(seen.text).toContain('"output_tokens":800')
    expect(seen.text.endsWith('<end>')).toBe(true)
  })

  it('reads from the cache what the conversation had before, and counts the rest', async () => {
    const { clock, enforced, send } = setUp({ inputTokensPerMinute: 100_000 }, answer)
    send()
    expect(enforced.meters(model).inputTokens?.remaining).toBe(90_000)
    const second = send()
    expect(enforced.meters(model).inputTokens?.remaining).toBe(89_997)
    await clock.runAll()
    expect(second.text).toContain('"cache_read_input_tokens":9997')
  })

  it('refuses with the headers and the error of the vendor', async () => {
    const { clock, send } = setUp({ inputTokensPerMinute: 10_000 }, { promptTokens: 9_000, outputTokens: 1 })
    send()
    const refused = send()
    await clock.runAll()
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '48'])
    expect(refused.text).toContain('rate limit of 10000 input tokens per minute')
  })

  it('stops generating when the caller leaves', async () => {
    const { clock, enforced, send } = setUp({ outputTokensPerMinute: 60_000 }, answer)
    const seen = send()
    await clock.advance(3_500)
    seen.handle.abort()
    await clock.runAll()
    expect(enforced.meters(model).outputTokens?.remaining).toBe(60_000)
    expect(seen.text).not.toContain('<end>')
  })

  it('answers counts of tokens, and faults that count against no limit', async () => {
    const limits = { requestsPerMinute: 1, countRequestsPerMinute: 1 }
    const { clock, send } = setUp(limits, answer)
    const count = send({ operation: 'count_tokens', stream: false })
    const broken = setUp(limits, { ...answer, fault: { status: 529 } })
    const failures = [broken.send(), broken.send()]
    await clock.runAll()
    await broken.clock.runAll()
    expect(count.text).toBe('{"input_tokens":10000}<end>')
    expect(failures.map(({ status }) => status)).toEqual([529, 529])
    expect(broken.enforced.meters(model).requests?.remaining).toBe(1)
  })

  it('speaks chat completions, with usage in a stream only where it is asked for', async () => {
    const { clock, send } = setUp({}, answer)
    const body = { model, messages: [] }
    const plain = send({ api: 'openai', body: jsonBodyFromObject(body) })
    const asked = send({
      api: 'openai',
      body: jsonBodyFromObject({ ...body, stream_options: { include_usage: true } }),
    })
    await clock.runAll()
    expect([plain.text.includes('"usage"'), asked.text.includes('"completion_tokens":800')]).toEqual([
      false,
      true,
    ])
  })
})

describe('the prompt cache', () => {
  it('has what a conversation said before, for five minutes after its last use', () => {
    const cache = promptCache()
    expect(cache.look('a', 50_000, 0)).toEqual({
      inputTokens: 3,
      cacheReadTokens: 0,
      cacheWriteTokens: 49_997,
    })
    cache.keep('a', 50_000, 0)
    const grown = { inputTokens: 3, cacheReadTokens: 49_997, cacheWriteTokens: 5_000 }
    expect(cache.look('a', 55_000, 299_999)).toEqual(grown)
    expect(cache.look('a', 55_000, 300_000).cacheReadTokens).toBe(0)
    expect(cache.look('b', 55_000, 1).cacheReadTokens).toBe(0)
    expect(cache.look('a', 1_000, 1)).toEqual({ inputTokens: 1_000, cacheReadTokens: 0, cacheWriteTokens: 0 })
  })
})

describe('on the wire', () => {
  const content = [{ type: 'text', text: 'x'.repeat(40_000), cache_control: { type: 'ephemeral' } }]
  const ask = (url: string, more: object = {}, path = '/v1/messages'): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'x-api-key': 'any', authorization: 'Bearer any', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model, max_tokens: 100, messages: [{ role: 'user', content }], ...more }),
    })

  it('Claude counts what is not cached, says so in its usage and headers, and refuses the rest', async () => {
    const limits = enforceLimits({ limits: { requestsPerMinute: 3, inputTokensPerMinute: 20_000 } })
    await using claude = await startClaude({ limits })
    const first = await ask(claude.url)
    const usage = ((await first.json()) as { usage: object }).usage
    expect(usage).toMatchObject({ input_tokens: 3, cache_creation_input_tokens: 10_002 })
    expect(first.headers.get('anthropic-ratelimit-input-tokens-remaining')).toBe('10000')
    const messages = [
      { role: 'user', content },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'And?' },
    ]
    const second = (await (await ask(claude.url, { messages })).json()) as { usage: object }
    expect(second.usage).toMatchObject({ cache_read_input_tokens: 10_002 })
    await ask(claude.url, { messages })
    const refused = await ask(claude.url, { messages })
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('20')
    expect(refused.headers.get('anthropic-ratelimit-requests-remaining')).toBe('0')
  })

  it('Claude counts the output of a stream as it is sent, and counts of tokens apart', async () => {
    const limits = enforceLimits({ limits: { outputTokensPerMinute: 1_000, countRequestsPerMinute: 1 } })
    await using claude = await startClaude({
      limits,
      chunkDelayMs: 20,
      reply: { text: 'word '.repeat(100), usage: { outputTokens: 500 } },
    })
    const { body } = await ask(claude.url, { stream: true })
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    const begun = limits.meters(model).outputTokens?.remaining ?? 0
    expect(begun).toBeGreaterThan(900)
    while (!(await reader.read()).done);
    expect(limits.meters(model).outputTokens?.remaining).toBeLessThan(600)
    const path = '/v1/messages/count_tokens'
    const statuses = [1, 2].map(async () => (await ask(claude.url, { max_tokens: undefined }, path)).status)
    expect((await Promise.all(statuses)).sort()).toEqual([200, 429])
  })

  it('does not count what a fault refuses', async () => {
    const limits = enforceLimits({ limits: { requestsPerMinute: 1 } })
    await using claude = await startClaude({ limits })
    claude.next({ type: 'status', status: 529 })
    expect([(await ask(claude.url)).status, (await ask(claude.url)).status]).toEqual([529, 200])
  })

  it('a server of chat completions has the headers of Groq', async () => {
    const limits = enforceLimits({
      vendor: 'groq',
      limits: { requestsPerDay: 1_000, requestsPerMinute: 1, tokensPerMinute: 60_000 },
    })
    await using groq = await startOpenRouter({ limits })
    const path = '/v1/chat/completions'
    const first = await ask(groq.url, {}, path)
    expect(first.headers.get('x-ratelimit-reset-requests')).toBe('1m26.4s')
    const second = await ask(groq.url, {}, path)
    expect([second.status, second.headers.get('x-ratelimit-remaining-requests')]).toEqual([429, '999'])
  })
})
