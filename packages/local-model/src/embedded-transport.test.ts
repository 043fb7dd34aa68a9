import { afterAll, describe, expect, it } from 'vitest'
import { call, eventsOf, type Json, requestOf } from '../test/call-transport.ts'
import { modelFolder } from '../test/model-file.ts'
import { embeddedTransport } from './embedded-transport.ts'
import { openEngine } from './engine.ts'

const reply = 'Grüße aus dem lokalen Modell 🎉, denn Claude schwieg.'
const file = modelFolder()
const engine = openEngine({
  modelPath: file('local.gguf', { reply, blocks: 64 }),
  contextSize: 1024,
  parallel: 1,
})
const transport = embeddedTransport(engine)
afterAll(() => engine.close())

const messages = [{ role: 'user', content: 'Hello?' }]
const question = { model: 'claude-opus-5-5', max_tokens: 100, messages }

const nested = JSON.stringify({ ...question, messages: [{ role: 'user', content: 'CONTENT' }] }).replace(
  '"CONTENT"',
  `${'[{"type":"tool_result","content":'.repeat(100_000)}""${'}]'.repeat(100_000)}`,
)

async function post(body: unknown, changes = {}): Promise<{ status: number; headers: Json; json: Json }> {
  const { status, headers, text } = await call(transport, requestOf('anthropic', body, changes)).done
  expect(headers['content-type']).toBe('application/json')
  return { status, headers, json: JSON.parse(text) }
}

describe('an Anthropic request', () => {
  it('gets a message as JSON', async () => {
    const { status, headers, json } = await post(question)
    expect(status).toBe(200)
    expect(headers['request-id']).toMatch(/^req_/)
    expect(json).toMatchObject({
      id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      type: 'message',
      role: 'assistant',
      model: 'local',
      content: [{ type: 'text', text: reply }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    })
    expect((await post(question)).json.id).not.toBe(json.id)
  })

  it('gets a stream with the events in their order', async () => {
    const { status, headers, text } = await call(
      transport,
      requestOf('anthropic', { ...question, stream: true }),
    ).done
    expect(status).toBe(200)
    expect(headers['content-type']).toMatch(/^text\/event-stream/)
    const events = eventsOf(text)
    for (const { name, data } of events) expect(name).toBe(data.type)
    const names = events.map(({ name }) => name)
    const deltas = names.filter((name) => name === 'content_block_delta')
    expect(deltas.length).toBeGreaterThan(5)
    expect(names).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      ...deltas,
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(events.map(({ data }) => data.delta?.text ?? '').join('')).toBe(reply)
    const start = events[0]?.data.message
    expect(start).toMatchObject({
      content: [],
      model: 'local',
      stop_reason: null,
      usage: { output_tokens: 0 },
    })
    expect(events.at(-2)?.data).toMatchObject({
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { input_tokens: start.usage.input_tokens, output_tokens: expect.any(Number) },
    })
  })

  it('ends at max_tokens and at stop sequences, as asked', async () => {
    const short = (await post({ ...question, max_tokens: 2 })).json
    expect(short).toMatchObject({
      content: [{ text: 'Grüße aus' }],
      stop_reason: 'max_tokens',
      usage: { output_tokens: 2 },
    })
    const stopped = (await post({ ...question, stop_sequences: ['🎉'], temperature: 0.5 })).json
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: '🎉' })
    expect(stopped.content[0].text).toBe('Grüße aus dem lokalen Modell ')
  })

  it('may hold all kinds of content; what is lost is named', async () => {
    const content = [
      { type: 'text', text: 'Look:' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    ]
    const body = {
      ...question,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 'x' },
            { type: 'tool_use', id: 't', name: 'look', input: { at: 1 } },
          ],
        },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'a cat' }] }],
        },
      ],
    }
    const { status, headers } = await post(body)
    expect(status).toBe(200)
    expect(headers['x-spillway-degraded']).toBe('images, tools')
  })

  it('is counted with the model’s own tokenizer', async () => {
    const counted = await post({ messages }, { operation: 'count_tokens' })
    expect(counted.json).toEqual({ input_tokens: (await post(question)).json.usage.input_tokens })
  })

  it.each([
    ['no JSON', '{"messages":', /no JSON object/],
    ['no messages', { max_tokens: 1 }, /messages: must be an array/],
    ['empty messages', { max_tokens: 1, messages: [] }, /at least one message/],
    ['no max_tokens', { messages }, /max_tokens: Field required/],
    ['an unknown role', { max_tokens: 1, messages: [{ role: 'robot', content: '' }] }, /messages\.0\.role/],
    [
      'a block without a type',
      { max_tokens: 1, messages: [{ role: 'user', content: [{}] }] },
      /messages\.0\.content\.0/,
    ],
    ['a temperature beyond 1', { ...question, temperature: 3 }, /temperature/],
    ['content within content without end', nested, /nested too deeply/],
    [
      'a prompt beyond the context',
      { ...question, system: 'x'.repeat(5000) },
      /^prompt is too long: \d{4} tokens > 1021 maximum/,
    ],
  ])('is refused with 400 for %s, streamed or not', async (_what, body, message) => {
    for (const stream of [false, true]) {
      const { status, json } = await post(body, { stream })
      expect(status).toBe(400)
      expect(json).toMatchObject({
        type: 'error',
        error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
      })
      expect(json.request_id).toMatch(/^req_/)
    }
  })

  it.each([
    ['anthropic', 529, 'overloaded_error'],
    ['openai', 503, 'server_error'],
  ] as const)('is refused while too many others wait (%s: %d)', async (api, status, type) => {
    const busy = openEngine({ modelPath: file('busy.gguf', {}), contextSize: 512, parallel: 1, maxQueued: 0 })
    const over = embeddedTransport(busy)
    const first = call(over, requestOf(api, question))
    const refused = await call(over, requestOf(api, question)).done
    expect(refused.status).toBe(status)
    expect(JSON.parse(refused.text).error).toMatchObject({
      type,
      message: expect.stringContaining('is busy'),
    })
    expect((await first.done).status).toBe(200)
    await busy.close()
  })

  it('fails with 500 when the model cannot be loaded', async () => {
    const broken = embeddedTransport(openEngine({ modelPath: '/nowhere/gone.gguf' }))
    const { status, text } = await call(broken, requestOf('anthropic', { ...question, stream: true })).done
    expect(status).toBe(500)
    expect(JSON.parse(text)).toMatchObject({
      error: { type: 'api_error', message: expect.stringContaining('/nowhere/gone.gguf') },
    })
  })
})

describe('a stream under way', () => {
  const streamed = requestOf('anthropic', { ...question, stream: true })

  it('an abort silences the sink and frees the sequence for the next call', async () => {
    const cut = call(transport, streamed, ({ chunks, handle }) => {
      if (chunks.length === 3) handle.abort(new Error('the caller left'))
    })
    const next = await call(transport, streamed).done
    expect(next.text).toContain('message_stop')
    expect(cut.chunks).toHaveLength(3)
    expect(cut.ended()).toBe(false)
  })

  it('an abort before the first byte leaves nothing behind', async () => {
    const cut = call(transport, streamed)
    cut.handle.abort(new Error('the caller left'))
    await call(transport, streamed).done
    expect(cut.chunks).toEqual([])
  })

  it('a paused reader holds nobody up, and gets the rest as one piece', async () => {
    const slow = call(transport, streamed, ({ chunks, handle }) => {
      if (chunks.length === 3) handle.pause()
    })
    const next = await call(transport, streamed).done
    expect(slow.chunks).toHaveLength(3)
    expect(slow.ended()).toBe(false)
    slow.handle.resume()
    const { text } = await slow.done
    const textOf = (stream: string): string =>
      eventsOf(stream)
        .map(({ data }) => data.delta?.text ?? '')
        .join('')
    expect(textOf(text)).toBe(reply)
    expect(textOf(next.text)).toBe(reply)
    expect(eventsOf(text).length).toBeLessThan(eventsOf(next.text).length)
    expect(eventsOf(text).at(-1)?.name).toBe('message_stop')
  })

  it('an engine that closes ends it with an error event, not with a clean end', async () => {
    const closing = openEngine({ modelPath: file('closing.gguf', { blocks: 64 }), contextSize: 512 })
    const { text } = await call(embeddedTransport(closing), streamed, ({ chunks }) => {
      if (chunks.length === 3) void closing.close()
    }).done
    expect(eventsOf(text).at(-1)?.data).toMatchObject({ type: 'error', error: { type: 'api_error' } })
    expect(text).not.toContain('message_stop')
  })
})

describe('an OpenAI request', () => {
  const chat = { model: 'gpt', messages: [{ role: 'developer', content: 'Be brief.' }, ...messages] }

  it('gets a completion as JSON', async () => {
    const { text } = await call(transport, requestOf('openai', { ...chat, max_completion_tokens: 2 })).done
    expect(JSON.parse(text)).toMatchObject({
      object: 'chat.completion',
      model: 'local',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße aus' }, finish_reason: 'length' }],
      usage: { completion_tokens: 2 },
    })
  })

  it('gets chunks, with usage where it was asked for, and [DONE]', async () => {
    const body = { ...chat, stream: true, stream_options: { include_usage: true } }
    const events = eventsOf((await call(transport, requestOf('openai', body)).done).text).map(
      ({ data }) => data,
    )
    expect(events.at(-1)).toBe('[DONE]')
    const { prompt_tokens, completion_tokens, total_tokens } = events.at(-2).usage
    expect(events.at(-2).choices).toEqual([])
    expect(total_tokens).toBe(prompt_tokens + completion_tokens)
    expect(events.at(-3)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: null })
    const plain = (await call(transport, requestOf('openai', { ...chat, stream: true })).done).text
    expect(plain).not.toContain('usage')
  })

  it('is refused in its own words', async () => {
    const { status, text } = await call(transport, requestOf('openai', { messages: 'hi' })).done
    expect(status).toBe(400)
    expect(JSON.parse(text).error).toMatchObject({
      type: 'invalid_request_error',
      message: 'messages: must be an array',
    })
  })
})
