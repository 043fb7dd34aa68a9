import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOpenAi } from './openai.ts'
import type { SimulatedServer } from './simulated-server.ts'

let server: SimulatedServer
let openai: OpenAI

beforeAll(async () => {
  server = await startOpenAi({
    reply: {
      thinking: 'Let me see.',
      text: 'Around the dam.',
      toolUse: [{ id: 'call_1', name: 'look', input: { at: 'the gauge', depth: 3 } }],
      usage: { inputTokens: 10, cacheReadTokens: 30, outputTokens: 15, reasoningTokens: 6 },
    },
  })
  openai = new OpenAI({ apiKey: 'sk', baseURL: `${server.url}/v1`, maxRetries: 0 })
})
afterAll(() => server.close())

const asked = {
  model: 'gpt-5.5',
  input: 'Where does it go?',
  include: ['reasoning.encrypted_content'],
} as const

describe('the Responses API', () => {
  it('says the same whole and streamed, as the official client puts it together', async () => {
    const whole = await openai.responses.create({ ...asked, include: [...asked.include] })
    expect(whole.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call'])
    expect(whole.output_text).toBe('Around the dam.')
    expect(whole.output.at(-1)).toMatchObject({
      call_id: 'call_1',
      arguments: '{"at":"the gauge","depth":3}',
    })
    expect(whole.usage).toMatchObject({
      input_tokens: 40,
      input_tokens_details: { cached_tokens: 30 },
      output_tokens: 15,
      output_tokens_details: { reasoning_tokens: 6 },
      total_tokens: 55,
    })
    const stream = openai.responses.stream({ ...asked, include: [...asked.include] })
    const numbers: number[] = []
    for await (const event of stream) numbers.push(event.sequence_number)
    expect(numbers).toEqual(numbers.map((_, at) => at))
    const said = ({ output }: typeof whole) => JSON.stringify(output).replaceAll(/"id":"\w+"|sealed\w+/g, '')
    expect(said((await stream.finalResponse()) as typeof whole)).toContain('Around the dam.')
  })

  it('calls a custom tool with a text, whole and in pieces, and takes its result', async () => {
    const tools = [{ type: 'custom' as const, name: 'look' }]
    const stream = openai.responses.stream({ ...asked, include: [...asked.include], tools })
    let said = ''
    for await (const event of stream) {
      if (event.type === 'response.custom_tool_call_input.delta') said += event.delta
    }
    const { output } = await stream.finalResponse()
    const text = '{"at":"the gauge","depth":3}'
    expect([said, output.at(-1)]).toMatchObject([text, { type: 'custom_tool_call', input: text }])
    const result = { type: 'custom_tool_call_output' as const, call_id: 'call_1', output: '3 m' }
    const input = [
      { role: 'user' as const, content: asked.input },
      ...(output as OpenAI.Responses.ResponseInputItem[]),
      result,
    ]
    const next = await openai.responses.create({ model: asked.model, input, tools, store: false })
    expect(next.status).toBe('completed')
  })

  it('takes back what it has said, with the result of its call', async () => {
    const { output } = await openai.responses.create({ ...asked, include: [...asked.include] })
    const input = [
      { role: 'user' as const, content: asked.input },
      ...(output as OpenAI.Responses.ResponseInputItem[]),
      { type: 'function_call_output' as const, call_id: 'call_1', output: '3 m' },
    ]
    const next = await openai.responses.create({ model: asked.model, input, store: false })
    expect(next.status).toBe('completed')
  })
})

describe('the Responses API refuses', () => {
  const user = { role: 'user', content: 'Hi' }
  const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' }
  const result = { type: 'function_call_output', call_id: 'c1', output: 'x' }

  it.each([
    ['an unknown field', { messages: [user] }, "Unknown parameter: 'messages'."],
    ['a field of chat', { max_completion_tokens: 20 }, "Unknown parameter: 'max_completion_tokens'."],
    ['no input', { input: null }, "Missing required parameter: 'input'."],
    ['too small a limit', { max_output_tokens: 5 }, 'Expected a value >= 16, but got 5'],
    ['sampling where the model thinks', { temperature: 0.5 }, "Unsupported parameter: 'temperature'"],
    ['options of a stream without one', { stream_options: {} }, "'stream_options' parameter is only allowed"],
    [
      'an earlier response',
      { previous_response_id: 'resp_1' },
      "Previous response with id 'resp_1' not found.",
    ],
    ['an unknown inclusion', { include: ['all'] }, "Invalid value: 'all'."],
    ['a tool of chat', { tools: [{ type: 'function', function: { name: 'f' } }] }, "'tools[0].name'"],
    [
      'a strict tool that is open',
      { tools: [{ type: 'function', name: 'f', strict: true, parameters: { type: 'object' } }] },
      "'additionalProperties' is required",
    ],
    ['an unknown role', { input: [{ role: 'tool', content: 'x' }] }, "Invalid value: 'tool'."],
    [
      'a part of the wrong side',
      { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
      "'output_text'",
    ],
    [
      'a part of chat',
      { input: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] },
      "Invalid value: 'text'.",
    ],
    [
      'a result without its call',
      { input: [user, result] },
      'No tool call found for function call output with call_id c1.',
    ],
    ['a result before its call', { input: [user, result, call] }, 'No tool call found'],
    ['a call without its result', { input: [user, call] }, 'No tool output found for function call c1.'],
    [
      'arguments that are no text',
      { input: [user, { ...call, arguments: {} }, result] },
      "Invalid type for 'input[1].arguments'",
    ],
    [
      'reasoning that leads to nothing',
      { input: [user, { type: 'reasoning', id: 'rs_1', summary: [] }] },
      'required following item',
    ],
    [
      'reasoning that nobody keeps',
      { store: false, input: [user, { type: 'reasoning', id: 'rs_1', summary: [] }, call, result] },
      'Items are not persisted',
    ],
    [
      'an id of another item',
      { input: [user, { ...call, id: 'msg_1' }, result] },
      "Expected an ID that begins with 'fc'",
    ],
    [
      'a field that no item has',
      { input: [{ ...user, name: 'Ann' }] },
      "Unknown parameter: 'input[0].name'.",
    ],
    ['a reference', { input: [{ type: 'item_reference', id: 'msg_1' }] }, "Item with id 'msg_1' not found."],
  ])('%s', async (_name, fields, message) => {
    const body = { model: 'gpt-5.5', input: 'Hi', ...fields } as never
    await expect(openai.responses.create(body)).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      message: expect.stringContaining(message),
    })
  })

  it('keys that it does not know, and models', async () => {
    await using strict = await startOpenAi({ apiKeys: ['sk-1'], models: ['m'] })
    const client = (apiKey: string): OpenAI => new OpenAI({ apiKey, baseURL: strict.url, maxRetries: 0 })
    await expect(client('sk-2').responses.create(asked as never)).rejects.toMatchObject({ status: 401 })
    await expect(client('sk-1').responses.create(asked as never)).rejects.toMatchObject({ status: 404 })
  })
})
