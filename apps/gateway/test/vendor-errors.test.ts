import {
  type Fault,
  type SimulatedServer,
  startClaude,
  startOllama,
  startOpenRouter,
} from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'
import { rawUpstream, streamHead } from './raw-upstream.ts'

process.env.SPILLWAY_TEST_POOR_KEY = 'sk-poor'

const failing = (status: number, body: object | string, headers?: Record<string, string>): Fault => ({
  type: 'status',
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ...(headers === undefined ? {} : { headers }),
})

const anthropicError = (type: string, message: string): object => ({
  type: 'error',
  error: { type, message },
  request_id: 'req_1',
})

const noCredit = failing(
  400,
  anthropicError(
    'invalid_request_error',
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  ),
)

const ask = (gateway: Gateway, text = 'Hello') =>
  send(`${gateway.url}/v1/messages`, { body: messages({ messages: [{ role: 'user', content: text }] }) })

const local = async (fault?: Fault): Promise<object> =>
  targetAt(forThisTest(await startOllama(fault === undefined ? {} : { fault: () => fault })), 'ollama', {
    model: 'llama3.2',
  })

const openRouterAt = (server: SimulatedServer, ...keys: string[]): object => ({
  api: 'openrouter',
  endpoints: keys.map((credential) => ({ url: server.url, credential })),
})

describe('when the money of a key is used up', () => {
  it('a fallback answers', async () => {
    const claude = forThisTest(await startClaude({ fault: () => noCredit }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), await local()))
    const { status, headers } = await ask(gateway)
    expect([status, headers['x-spillway-fallback']]).toEqual([200, 'billing'])
  })

  it('the other key of the vendor answers, and the poor one rests', async () => {
    const claude = forThisTest(
      await startClaude({
        fault: ({ headers }) => (headers['x-api-key'] === 'sk-poor' ? noCredit : undefined),
      }),
    )
    const target = {
      api: 'anthropic',
      endpoints: ['env:SPILLWAY_TEST_POOR_KEY', ownKey.reference].map((credential) => ({
        url: claude.url,
        credential,
      })),
    }
    const gateway = await gatewayOf(configOf(target))
    const statuses: number[] = []
    for (let call = 0; call < 20; call++) statuses.push((await ask(gateway)).status)
    expect(statuses).toEqual(Array(20).fill(200))
    const refused = claude.requests.filter(({ headers }) => headers['x-api-key'] === 'sk-poor')
    expect(refused.length).toBeLessThanOrEqual(1)
  })

  it('the caller reads what the vendor says where there is nobody else', async () => {
    const claude = forThisTest(await startClaude({ fault: () => noCredit }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { status, text } = await ask(gateway)
    expect([status, JSON.parse(text).error.message]).toEqual([400, expect.stringContaining('credit balance')])
  })
})

it('a fallback that cannot take the request does not keep the next one from answering', async () => {
  const claude = forThisTest(await startClaude({ fault: () => ({ type: 'status', status: 529 }) }))
  const unsuited = failing(400, anthropicError('invalid_request_error', 'llama3.2 does not support tools'))
  const gateway = await gatewayOf({
    targets: { claude: targetAt(claude, 'anthropic'), small: await local(unsuited), local: await local() },
    routes: [{ models: '*', target: 'claude', fallback: ['small', 'local'] }],
    retry: { attempts: 1 },
  })
  const { status, headers } = await ask(gateway)
  expect([status, headers['x-spillway-served-by']]).toEqual([200, 'local'])
})

it('what the first target says of the request is final', async () => {
  const invalid = failing(400, anthropicError('invalid_request_error', 'messages: required'))
  const claude = forThisTest(await startClaude({ fault: () => invalid }))
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), await local()))
  expect((await ask(gateway)).status).toBe(400)
})

describe('an error of OpenRouter that concerns one request', () => {
  const flagged = failing(403, {
    error: {
      code: 403,
      message: 'Your chosen model requires moderation and your input was flagged',
      metadata: { reasons: ['violence'], flagged_input: 'x', provider_name: 'p' },
    },
  })
  const unaffordable = failing(402, {
    error: { code: 402, message: 'You requested up to 100000 tokens, but can only afford 100' },
  })
  const setUp = async (fault: Fault) => {
    const server = forThisTest(
      await startOpenRouter({
        fault: ({ body }) => (Buffer.from(body).includes('FLAG') ? fault : undefined),
      }),
    )
    const keys = ['env:SPILLWAY_TEST_POOR_KEY', ownKey.reference]
    const gateway = await gatewayOf(configOf(openRouterAt(server, ...keys), await local()))
    return { server, gateway }
  }

  it('as a flagged prompt goes to no other key and to no local model, and touches nobody else', async () => {
    const { server, gateway } = await setUp(flagged)
    for (let call = 0; call < 24; call++) expect((await ask(gateway, 'FLAG')).status).toBe(403)
    expect(server.requests.length).toBe(24)
    const { status, headers } = await ask(gateway)
    expect([status, headers['x-spillway-served-by']]).toEqual([200, 'claude'])
  })

  it('as a prompt that the balance does not cover is answered by the fallback, and touches nobody else', async () => {
    const { gateway } = await setUp(unaffordable)
    for (let call = 0; call < 24; call++)
      expect((await ask(gateway, 'FLAG')).headers['x-spillway-served-by']).toBe('local')
    expect((await ask(gateway)).headers['x-spillway-served-by']).toBe('claude')
  })

  it('as the page of a firewall touches nobody else', async () => {
    const page: Fault = {
      type: 'status',
      status: 403,
      body: '<html>Blocked</html>',
      contentType: 'text/html',
    }
    const { gateway } = await setUp(page)
    for (let call = 0; call < 24; call++) await ask(gateway, 'FLAG')
    expect((await ask(gateway)).headers['x-spillway-served-by']).toBe('claude')
  })

  it('as its daily limit is not retried, and is over when the body says so', async () => {
    const daily = failing(429, {
      error: {
        message: 'Rate limit exceeded: free-models-per-day',
        code: 429,
        metadata: {
          headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(Date.now() + 21_600_000) },
        },
      },
    })
    const server = forThisTest(await startOpenRouter({ fault: () => daily }))
    const config = configOf(openRouterAt(server, ownKey.reference), await local(), { retry: { attempts: 3 } })
    const { headers } = await ask(await gatewayOf(config))
    expect([headers['x-spillway-served-by'], server.requests.length]).toEqual(['local', 1])
  })
})

/** What Ollama's cloud says. */
const tooLong = 'prompt too long; exceeded max context length by 4 tokens'

describe('an error in the shape of another service', () => {
  it.each<[string, number, object, Record<string, string>, string]>([
    ['AWS', 400, { message: 'No' }, { 'x-amzn-errortype': 'ValidationException' }, 'invalid_request_error'],
    [
      'Google',
      429,
      { error: { code: 429, message: 'No', status: 'RESOURCE_EXHAUSTED' } },
      {},
      'rate_limit_error',
    ],
    ['Azure', 404, { error: { code: 'DeploymentNotFound', message: 'No' } }, {}, 'not_found_error'],
    ['FastAPI', 422, { detail: 'No' }, {}, 'invalid_request_error'],
  ])('reaches callers in the shape of their protocol: %s', async (_, status, body, headers, type) => {
    const claude = forThisTest(await startClaude({ fault: () => failing(status, body, headers) }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const received = await ask(gateway)
    expect([received.status, JSON.parse(received.text)]).toEqual([
      status,
      expect.objectContaining({ type: 'error', error: { type, message: 'No' } }),
    ])
  })

  it.each<[string, object]>([
    ['Anthropic’s', { type: 'error', error: { type: 'invalid_request_error', message: tooLong } }],
    ['its own', { StatusCode: 400, Status: '400 Bad Request', error: tooLong }],
  ])(
    'that has other words for a prompt that is too long says it in the caller’s: %s shape',
    async (_, body) => {
      const ollama = forThisTest(await startClaude({ fault: () => failing(400, body, {}) }))
      const gateway = await gatewayOf(configOf(targetAt(ollama, 'ollama')))
      const received = await ask(gateway)
      expect([received.status, JSON.parse(received.text)]).toMatchObject([
        400,
        {
          type: 'error',
          error: { type: 'invalid_request_error', message: `prompt is too long: ${tooLong}` },
        },
      ])
    },
  )

  it.each([
    'prompt is too long: 210000 tokens > 200000 maximum',
    'Prompt is too long',
    'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000',
  ])('keeps every byte where it has the words that clients know: %s', async (message) => {
    const body = { type: 'error', error: { type: 'invalid_request_error', message }, request_id: 'req_1' }
    const claude = forThisTest(await startClaude({ fault: () => failing(400, body, {}) }))
    const received = await ask(await gatewayOf(configOf(targetAt(claude, 'anthropic'))))
    expect(received.text).toBe(JSON.stringify(body))
  })

  it('is an error in the middle of a stream too', async () => {
    const part = { choices: [{ index: 0, delta: { content: 'Hel' }, finish_reason: null }] }
    for (const odd of [{ object: 'error', message: 'No', type: 'X', code: 500 }, { detail: 'No' }]) {
      const events = [part, odd].map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')
      const server = await rawUpstream((socket) => socket.end(`${streamHead}${events}`))
      const gateway = await gatewayOf(configOf(targetAt(server, 'openai')))
      const { text } = await send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream: true }) })
      const last = text.trim().split('\n\n').at(-1) as string
      expect(JSON.parse(last.slice(6)).error.message).toBe('No')
    }
  })
})

describe('a stream of the OpenAI shape that was cut', () => {
  const delta = (change: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: change, finish_reason: finish }] })}\n\n`
  const openCall = delta({
    tool_calls: [{ index: 0, id: 'call_1', function: { name: 'rm', arguments: '{"path":"/tm' } }],
  })

  it.each([
    ['half a tool call and [DONE]', `${openCall}data: [DONE]\n\n`],
    ['content and [DONE]', `${delta({ content: 'Hel' })}data: [DONE]\n\n`],
    ['an empty finish reason in each chunk', `${delta({ content: 'Hel' }, '')}data: [DONE]\n\n`],
  ])('is no whole answer: %s', async (_, events) => {
    const server = await rawUpstream((socket) => socket.end(`${streamHead}${events}`))
    const gateway = await gatewayOf(configOf(targetAt(server, 'openai')))
    const { text } = await send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream: true }) })
    expect(text).toContain('"error"')
    expect(text).not.toContain('[DONE]')
    // As the tool call of an agent, an open one would be run.
    const translated = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
    expect(translated.text).toContain('event: error')
    expect(translated.text).not.toContain('message_stop')
  })

  it('inside the chunk after its finish reason is whole, without the torn rest', async () => {
    const events = `${delta({ content: 'Hello' }, 'stop')}data: {"choices":[],"usa`
    const server = await rawUpstream((socket) => {
      socket.write(`${streamHead}${events}`)
      setTimeout(() => socket.resetAndDestroy(), 50)
    })
    const gateway = await gatewayOf(configOf(targetAt(server, 'openai')))
    const { text } = await send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream: true }) })
    expect(text).toContain('Hello')
    expect(text).not.toContain('usa')
    expect(text).not.toContain('"error"')
  })
})
