import { startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'
import { httpText, rawUpstream, streamHead } from './raw-upstream.ts'

const json = { 'content-type': 'application/json' }

/** A gateway before an upstream that always gives this answer, with a healthy one behind it where that is asked for. */
async function before(answer: string | Uint8Array, { api = 'anthropic', fallback = false } = {}) {
  const upstream = await rawUpstream((socket) => socket.end(answer))
  const calls: AnsweredCall[] = []
  const second = fallback ? targetAt(forThisTest(await startClaude()), 'anthropic') : undefined
  const more = { circuitBreaker: { enabled: false }, rateLimit: { requestsPerMinute: 100, maxWait: '0s' } }
  const gateway = await gatewayOf(configOf(targetAt(upstream, api), second, more), calls)
  return { gateway, calls }
}

describe('an id of a request that no header takes', () => {
  const error = (request_id: unknown) =>
    JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Busy' }, request_id })

  it.each(['req_\u2713', 'a\r\nset-cookie: b=c', 'a\0b', 'x'.repeat(10_000), '\ud800', 7, {}])(
    'leaves the error what it is: %j',
    async (id) => {
      for (const [answer, stream] of [
        [httpText(529, json, error(id)), false],
        [httpText(200, json, error(id)), false],
        [`${streamHead}event: error\ndata: ${error(id)}\n\n`, true],
      ] as const) {
        const { gateway } = await before(answer)
        const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
        expect([received.status, JSON.parse(received.text).error.type]).toEqual([529, 'overloaded_error'])
        expect(received.headers).not.toHaveProperty('request-id')
        expect(received.headers).not.toHaveProperty('set-cookie')
      }
    },
  )

  it('leaves it what it is in another protocol, too', async () => {
    const { gateway } = await before(httpText(529, json, error('req_\u2713')))
    const received = await send(`${gateway.url}/v1/chat/completions`, { body: chat() })
    expect([received.status, JSON.parse(received.text).error.message]).toEqual([529, 'Busy'])
  })

  it('does not keep the fallback from answering', async () => {
    const { gateway } = await before(httpText(200, json, error('req_\u2713')), { fallback: true })
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([received.status, received.headers['x-spillway-fallback']]).toEqual([200, 'overloaded'])
  })
})

describe('a wait that no client can keep to', () => {
  const limited = JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } })
  const longest = String(24 * 86_400)

  it.each(['1000000000', '9'.repeat(40), 'Sat, 23 Nov 2126 12:00:00 GMT'])(
    'in a header is the longest that one timer takes: %s',
    async (value) => {
      const { gateway } = await before(httpText(429, { ...json, 'retry-after': value }, limited))
      const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
      expect([received.status, received.headers['retry-after']]).toEqual([429, longest])
      expect(received.text).toBe(limited)
      // The limiter's own refusal.
      const next = await send(`${gateway.url}/v1/messages`, { body: messages() })
      expect([next.status, next.headers['x-spillway-attempts']]).toEqual([429, '0'])
      expect(Number(next.headers['retry-after'])).toBeLessThanOrEqual(600)
    },
  )

  it('that is a Unix time is the time until then', async () => {
    const until = Math.ceil(Date.now() / 1000) + 90
    const { gateway } = await before(httpText(429, { ...json, 'retry-after': String(until) }, limited))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(Number(received.headers['retry-after'])).toBeGreaterThan(60)
    expect(Number(received.headers['retry-after'])).toBeLessThanOrEqual(91)
  })

  it.each([1e308, 777_600_000, -5, 1e15])('in a body does not fail the gateway: %d', async (retry_after) => {
    const body = JSON.stringify({
      error: {
        message: 'Full',
        availability: { code: 'capacity_exhausted', retryable: true, retry_after },
      },
    }).replace('1e+308', '1e308')
    for (const status of [200, 429]) {
      const { gateway } = await before(httpText(status, json, body), { api: 'openai' })
      for (let call = 0; call < 2; call++) {
        const received = await send(`${gateway.url}/v1/chat/completions`, { body: chat() })
        expect(received.status).toBe(429)
        const { 'retry-after-ms': ms = '0' } = received.headers
        expect(Number(ms)).toBeLessThan(2 ** 31)
      }
    }
  })
})

describe('what an answer says of itself', () => {
  const answer = (changes: object) =>
    JSON.stringify({ type: 'message', id: 'm', role: 'assistant', content: [], ...changes })

  it('reaches the caller as it is, and the books only where it is a name or a count', async () => {
    const body = answer({
      model: `evil\u001b[2J${'x'.repeat(1_000_000)}`,
      stop_reason: 'a\nb',
      usage: { input_tokens: 1e300, output_tokens: -5, cache_read_input_tokens: 7, cost: 1e300 },
    })
    const { gateway, calls } = await before(httpText(200, json, body))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(received.text).toBe(body)
    expect(await calls[0]?.response.outcome).toMatchObject({
      failure: undefined,
      model: undefined,
      stopReason: undefined,
      usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 7, cost: undefined },
    })
  })

  it('of another type altogether is ignored', async () => {
    const body = answer({ model: { $ne: 1 }, stop_reason: ['end_turn'], usage: 'much' })
    const { gateway, calls } = await before(httpText(200, json, body))
    expect((await send(`${gateway.url}/v1/messages`, { body: messages() })).text).toBe(body)
    expect(await calls[0]?.response.outcome).toMatchObject({ model: undefined, stopReason: undefined })
  })
})
