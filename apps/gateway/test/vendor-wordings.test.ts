import { type Fault, startClaude, startOllama } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'
import { rawUpstream, streamHead } from './raw-upstream.ts'

process.env.SPILLWAY_TEST_POOR_KEY = 'sk-poor'

const failing = (status: number, body: object, headers?: Record<string, string>): Fault => ({
  type: 'status',
  status,
  body: JSON.stringify(body),
  ...(headers === undefined ? {} : { headers }),
})
const error = (type: string, message: string): object => ({ type: 'error', error: { type, message } })
const ask = (gateway: Gateway, text = 'Hello') =>
  send(`${gateway.url}/v1/messages`, { body: messages({ messages: [{ role: 'user', content: text }] }) })
const local = async (): Promise<object> =>
  targetAt(forThisTest(await startOllama()), 'ollama', { model: 'llama3.2' })

const noBalance = failing(429, error('1113', 'Insufficient balance or no resource package. Please recharge.'))
const ofToday = failing(
  429,
  { message: 'Too many tokens per day, please wait before trying again.' },
  { 'x-amzn-errortype': 'ThrottlingException' },
)

it.each<[string, string, Fault]>([
  [
    'a budget of LiteLLM',
    'billing',
    failing(400, {
      error: { message: 'Budget has been exceeded! Current cost: 76.16', type: null, code: '400' },
    }),
  ],
  [
    'Anthropic’s extra usage',
    'billing',
    failing(400, error('invalid_request_error', "You're out of extra usage.")),
  ],
  ['the balance at Z.ai', 'billing', noBalance],
  [
    'the plan of Ollama Cloud',
    'billing',
    failing(429, { error: 'you (ada) have reached your weekly usage limit' }),
  ],
  ['the tokens of a day at AWS', 'rate_limited', ofToday],
  [
    'a model that AWS does not know',
    'not_found',
    failing(
      400,
      { message: 'The provided model identifier is invalid.' },
      { 'x-amzn-errortype': 'ValidationException' },
    ),
  ],
  [
    'a model that a relay has nobody for',
    'not_found',
    failing(400, { error: { message: 'No available channel for model x', type: 'new_api_error' } }),
  ],
  [
    'an error that LiteLLM passes on',
    'billing',
    failing(400, {
      error: {
        message: `litellm.BadRequestError: AnthropicException - ${JSON.stringify(error('invalid_request_error', 'Your credit balance is too low'))}`,
      },
    }),
  ],
])('what asking again does not change is answered by the fallback at once: %s', async (_, kind, fault) => {
  const claude = forThisTest(await startClaude({ fault: () => fault }))
  const config = configOf(targetAt(claude, 'anthropic'), await local(), { retry: { attempts: 3 } })
  const { status, headers } = await ask(await gatewayOf(config))
  expect([status, headers['x-spillway-fallback'], claude.requests.length]).toEqual([200, kind, 1])
})

it.each([
  ['whose balance is used up', noBalance, 1],
  ['whose day is used up', ofToday, 20],
])('the other key of a vendor answers for one %s', async (_, fault, most) => {
  const isPoor = ({ headers }: { headers: Record<string, unknown> }) => headers['x-api-key'] === 'sk-poor'
  const claude = forThisTest(await startClaude({ fault: (request) => (isPoor(request) ? fault : undefined) }))
  const keys = ['env:SPILLWAY_TEST_POOR_KEY', ownKey.reference]
  const endpoints = keys.map((credential) => ({ url: claude.url, credential }))
  const gateway = await gatewayOf(configOf({ api: 'anthropic', endpoints }))
  for (let call = 0; call < 20; call++) expect((await ask(gateway)).status).toBe(200)
  expect(claude.requests.filter(isPoor).length).toBeLessThanOrEqual(most)
})

it('a request that no minute of the limit is long enough for is not repeated, and touches nobody else', async () => {
  const message = 'Request too large for m on tokens per min (TPM): Limit 30000, Requested 342389.'
  const body = { error: { message, type: 'tokens', code: 'rate_limit_exceeded' } }
  const tooLarge = failing(429, body, { 'retry-after': '30' })
  const server = forThisTest(
    await startClaude({ fault: ({ body }) => (Buffer.from(body).includes('LONG') ? tooLarge : undefined) }),
  )
  const more = { rateLimit: { requestsPerMinute: 1000 }, retry: { attempts: 3 } }
  const gateway = await gatewayOf(configOf(targetAt(server, 'anthropic'), await local(), more))
  for (let call = 0; call < 12; call++) {
    expect((await ask(gateway, 'LONG')).headers['x-spillway-served-by']).toBe('local')
    expect((await ask(gateway)).headers['x-spillway-served-by']).toBe('claude')
  }
  expect(server.requests).toHaveLength(24)
})

describe('an error inside a stream', () => {
  const tooLong = 'The number of tokens to keep from the initial prompt is greater than the context length.'

  it.each<[string, string]>([
    ['without a code', `event: error\ndata: ${JSON.stringify({ error: { message: tooLong } })}\n\n`],
    ['without the form of an event', JSON.stringify({ error: { message: tooLong } })],
  ])('that is of the prompt is asked once and told in the caller’s words: %s', async (_, body) => {
    let asked = 0
    const server = await rawUpstream((socket) => {
      asked++
      socket.end(`${streamHead}${body}`)
    })
    const gateway = await gatewayOf(configOf(targetAt(server, 'openai')))
    const { status, text } = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
    expect([status, asked]).toEqual([400, 1])
    expect(JSON.parse(text).error).toEqual({
      type: 'invalid_request_error',
      message: `prompt is too long: ${tooLong}`,
    })
  })

  it('that tells of an overload before any content is answered by the fallback', async () => {
    const overloaded = { error: { message: 'overloaded', type: 'x', code: 'server_is_overloaded' } }
    const server = await rawUpstream((socket) =>
      socket.end(`${streamHead}data: ${JSON.stringify(overloaded)}\n\n`),
    )
    const config = configOf(targetAt(server, 'openai'), await local(), { retry: { attempts: 1 } })
    const gateway = await gatewayOf(config)
    const { headers } = await send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream: true }) })
    expect(headers['x-spillway-fallback']).toBe('overloaded')
  })
})
