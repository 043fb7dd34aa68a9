import { afterEach, describe, expect, it } from 'vitest'
import { claudeHeaders, events, messagesBody, raw } from '../test/raw-client.ts'
import { type ClaudeOptions, type SimulatedServer, startClaude } from './index.ts'

let claude: SimulatedServer | undefined
afterEach(() => claude?.close())

const send = async (
  body: unknown,
  { headers = claudeHeaders, path = '/v1/messages', ...options }: ClaudeOptions & { path?: string } = {},
): Promise<{
  status: number | undefined
  error: { type: string; message: string }
  json: never
  text: string
}> => {
  await claude?.close()
  claude = await startClaude(options)
  const { status, text } = await raw(claude.url + path, { headers, body })
  const json = text.startsWith('{') ? JSON.parse(text) : {}
  return { status, error: json.error, json: json as never, text }
}
const with2026 = { ...claudeHeaders, 'anthropic-version': '2026-10-21' }
const turn = (role: string, content: unknown): object => ({ ...messagesBody, messages: [{ role, content }] })

describe('the simulated Claude refuses', () => {
  it.each([
    ['no model', { ...messagesBody, model: undefined }, 'model: Field required'],
    ['no max_tokens', { ...messagesBody, max_tokens: undefined }, 'max_tokens: Field required'],
    [
      'fractions of tokens',
      { ...messagesBody, max_tokens: 1.5 },
      'max_tokens: Input should be a valid integer',
    ],
    ['negative tokens', { ...messagesBody, max_tokens: -1 }, 'max_tokens: Input should be greater'],
    ['no messages', { ...messagesBody, messages: [] }, 'messages: at least one message is required'],
    ['an unknown role', turn('tool', 'Hi'), 'messages.0.role'],
    ['content that is neither text nor blocks', turn('user', 7), 'messages.0.content'],
    ['a block without a type', turn('user', [{ text: 'Hi' }]), 'messages.0.content.0.type: Field required'],
    ['broken JSON', '{"model":', 'not valid JSON'],
  ])('%s', async (_, body, message) => {
    const { status, error } = await send(body)
    expect({ status, type: error.type }).toEqual({ status: 400, type: 'invalid_request_error' })
    expect(error.message).toContain(message)
  })

  it('a missing or unknown version', async () => {
    const missing = await send(messagesBody, { headers: { 'x-api-key': 'sk-test' } })
    expect(missing).toMatchObject({ status: 400, error: { type: 'invalid_request_error' } })
    const unknown = await send(messagesBody, {
      headers: { ...claudeHeaders, 'anthropic-version': '2020-01-01' },
    })
    expect(unknown.status).toBe(400)
  })

  it.each(['temperature', 'top_p', 'top_k'])('%s on version 2026-10-21 alone', async (name) => {
    const body = { ...messagesBody, [name]: 1 }
    expect((await send(body)).status).toBe(200)
    const { status, error } = await send(body, { headers: with2026 })
    expect({ status, ...error }).toEqual({
      status: 400,
      type: 'invalid_request_error',
      message: `${name}: Extra inputs are not permitted`,
    })
  })

  it('documents of the assistant and citations of the user on version 2026-10-21 alone', async () => {
    for (const body of [
      turn('assistant', [
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
      ]),
      turn('user', [{ type: 'text', text: 'x', citations: [{ type: 'char_location' }] }]),
    ]) {
      expect((await send(body)).status).toBe(200)
      expect((await send(body, { headers: with2026 })).status).toBe(400)
    }
  })

  it('callers without a key, or with a wrong one; x-api-key wins over a bearer token', async () => {
    const version = { 'anthropic-version': '2023-06-01' }
    const apiKeys = ['right']
    const status = async (headers: Record<string, string>): Promise<unknown> =>
      (await send(messagesBody, { headers: { ...version, ...headers }, apiKeys })).status
    expect(await status({})).toBe(401)
    expect(await status({ 'x-api-key': 'wrong' })).toBe(401)
    expect(await status({ 'x-api-key': 'right' })).toBe(200)
    expect(await status({ authorization: 'Bearer right' })).toBe(200)
    expect(await status({ authorization: 'Bearer wrong' })).toBe(401)
    expect(await status({ authorization: 'Bearer right', 'x-api-key': 'wrong' })).toBe(401)
    const { error } = await send(messagesBody, { headers: version })
    expect(error.type).toBe('authentication_error')
  })

  it('unknown models, paths and methods', async () => {
    const { status, error } = await send(messagesBody, { models: ['claude-haiku-5-5'] })
    expect({ status, ...error }).toEqual({
      status: 404,
      type: 'not_found_error',
      message: 'model: claude-opus-5-5',
    })
    expect((await send(messagesBody, { path: '/v1/complete' })).error.type).toBe('not_found_error')
    expect((await send(undefined, { path: '/v1/messages' })).status).toBe(405)
  })

  it('more than 32 MB', async () => {
    const { status, error } = await send(turn('user', 'x'.repeat(33 * 1024 * 1024)))
    expect({ status, type: error.type }).toEqual({ status: 413, type: 'request_too_large' })
  })
})

describe('the simulated Claude answers', () => {
  it('with an empty thinking block and a signature where thinking is omitted', async () => {
    const reply = { thinkingOmitted: true, text: 'Good' }
    const { text } = await send({ ...messagesBody, stream: true }, { reply })
    expect(events(text).slice(2, 6)).toMatchObject([
      { type: 'content_block_start', content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', delta: { type: 'signature_delta' } },
      { type: 'content_block_stop' },
      { type: 'content_block_start', content_block: { type: 'text' } },
    ])
  })

  it('with events in order and usage that grows', async () => {
    const reply = { thinking: 'Hm. Yes.', text: 'Good day', usage: { inputTokens: 9, outputTokens: 30 } }
    const { text } = await send({ ...messagesBody, stream: true }, { reply, path: '/v1/messages?beta=true' })
    const list = events(text)
    expect(list.map((event) => event.type)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(list[0]).toMatchObject({ message: { usage: { input_tokens: 9, output_tokens: 1 }, content: [] } })
    expect(list[5]).toMatchObject({ index: 0, delta: { type: 'signature_delta' } })
    expect(list[8]).toMatchObject({ index: 1, delta: { type: 'text_delta', text: 'Good ' } })
    expect(list.at(-2)).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: 9, output_tokens: 30 },
    })
    const names = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name)
    expect(names).toEqual(list.map((event) => event.type))
  })

  it('with nothing to max_tokens 0, which warms the cache', async () => {
    const { json, status } = await send({ ...messagesBody, max_tokens: 0 })
    expect(status).toBe(200)
    expect(json).toMatchObject({ content: [], stop_reason: 'max_tokens', usage: { output_tokens: 0 } })
  })

  it('with a refusal when told to', async () => {
    const { json } = await send(messagesBody, { reply: { text: 'No.', stopReason: 'refusal' } })
    expect(json).toMatchObject({ stop_reason: 'refusal', stop_details: { type: 'refusal' } })
  })
})
