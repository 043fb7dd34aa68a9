import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { expect, it, onTestFinished } from 'vitest'
import { configOf, gatewayOf } from './gateway.ts'

type Json = { readonly [key: string]: unknown }

/** A server of chat completions that takes the fields and the roles that it knows, and nothing else. */
interface Rules {
  readonly fields: readonly string[]
  readonly roles: readonly string[]
  /** Status and body for a field or a role that it does not know. */
  refuse(name: string): readonly [status: number, body: object]
  /** What else is wrong with a request. */
  also?(body: Json): string | undefined
}

const common = [
  'model',
  'messages',
  'stream',
  'tools',
  'tool_choice',
  'temperature',
  'top_p',
  'stop',
  'max_tokens',
]

const error = (message: string): object => ({
  error: { message, type: 'invalid_request_error', param: null, code: 'invalid_request_error' },
})

const deepSeek: Rules = {
  fields: [...common, 'stream_options', 'thinking', 'reasoning_effort', 'response_format'],
  roles: ['system', 'user', 'assistant', 'tool'],
  refuse: (name) => [
    400,
    error(
      name === 'developer'
        ? 'Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 85'
        : `Failed to deserialize the JSON body into the target type: unknown field \`${name}\`, expected one of \`model\`, \`messages\`, \`max_tokens\`, \`stream_options\` at line 1`,
    ),
  ],
  also: ({ messages }) =>
    (messages as Json[]).some((each) => each.tool_calls !== undefined && each.reasoning_content === undefined)
      ? 'The `reasoning_content` in the thinking mode must be passed back to the API.'
      : undefined,
}

const mistral: Rules = {
  fields: [...common, 'parallel_tool_calls', 'response_format', 'random_seed'],
  roles: ['system', 'user', 'assistant', 'tool'],
  refuse: (name) => [
    422,
    {
      object: 'error',
      message: {
        detail: [
          { type: 'extra_forbidden', loc: ['body', name], msg: 'Extra inputs are not permitted', input: 1 },
        ],
      },
      type: 'invalid_request_error',
      code: null,
    },
  ],
  also: ({ messages }) => {
    const ids = (messages as Json[]).flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [String(id)]))
    const wrong = ids.find((id) => !/^[a-zA-Z0-9]{9}$/.test(id))
    return wrong && `Tool call id was ${wrong} but must be a-z, A-Z, 0-9, with a length of 9.`
  },
}

async function readJson(request: IncomingMessage): Promise<Json> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return JSON.parse(Buffer.concat(pieces).toString())
}

async function serverWith(rules: Rules): Promise<{ url: string; bodies: Json[]; refused: string[] }> {
  const bodies: Json[] = []
  const refused: string[] = []
  const server = createServer(async (request, response) => {
    const body = await readJson(request)
    bodies.push(body)
    const reply = (status: number, value: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    const name =
      Object.keys(body).find((each) => !rules.fields.includes(each)) ??
      (body.messages as { role: string }[])
        .map(({ role }) => role)
        .find((role) => !rules.roles.includes(role))
    const wrong = name === undefined ? rules.also?.(body) : undefined
    if (name !== undefined || wrong !== undefined) refused.push(name ?? (wrong as string))
    if (name !== undefined) return reply(...rules.refuse(name))
    if (wrong !== undefined) return reply(400, error(wrong))
    const message = { role: 'assistant', content: 'Hello' }
    const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 }
    if (body.stream !== true) {
      return reply(200, {
        id: 'c-1',
        model: 'ds-1',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage,
      })
    }
    const chunk = (more: object): string =>
      `data: ${JSON.stringify({ id: 'c-1', model: 'ds-1', ...more })}\n\n`
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(chunk({ choices: [{ index: 0, delta: message, finish_reason: null }] }))
    response.end(
      `${chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage })}data: [DONE]\n\n`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, refused }
}

async function clientAt(url: string, more: object = {}): Promise<Anthropic> {
  const gateway = await gatewayOf(configOf({ api: 'openai', endpoints: [{ url }], ...more }))
  return new Anthropic({ apiKey: 'k', baseURL: gateway.url, maxRetries: 0 })
}

const use = { type: 'tool_use' as const, id: 'toolu_01A09q90qw90lq917835lq9', name: 'f', input: {} }
const question = {
  model: 'ds-1',
  max_tokens: 100,
  system: 'be brief',
  messages: [
    { role: 'user' as const, content: 'hi' },
    { role: 'assistant' as const, content: [use] },
    {
      role: 'user' as const,
      content: [{ type: 'tool_result' as const, tool_use_id: use.id, content: 'r' }],
    },
  ],
  tools: [{ name: 'f', input_schema: { type: 'object' as const } }],
  metadata: { user_id: 'u' },
}

it.each<[string, Rules, string]>([
  ['deepseek', deepSeek, 'metadata'],
  ['mistral', mistral, 'metadata'],
])(
  'a server with the rules of %s takes each translated request at once, where it is named',
  async (dialect, rules, lost) => {
    const server = await serverWith(rules)
    const client = await clientAt(server.url, { dialect })
    const { data, response } = await client.messages.create(question).withResponse()
    expect(data.content).toEqual([{ type: 'text', text: 'Hello' }])
    expect(response.headers.get('x-spillway-degraded')).toBe(lost)
    expect(server.refused).toEqual([])
    const streamed = await client.messages.stream(question).finalMessage()
    expect(streamed.content).toEqual([{ type: 'text', text: 'Hello' }])
    expect(server.refused).toEqual([])
  },
)

it('a server that is not named gets what all compatible ones take', async () => {
  const server = await serverWith({ ...deepSeek, also: () => undefined })
  const client = await clientAt(server.url)
  await client.messages.create(question)
  expect(server.bodies[0]).toMatchObject({ max_tokens: 100, messages: [{ role: 'system' }, {}, {}, {}] })
  expect(server.refused).toEqual([])
})

it('one that is named wrongly is learned from, once', async () => {
  const server = await serverWith({ ...deepSeek, also: () => undefined })
  const client = await clientAt(server.url, { dialect: 'openai' })
  const { data, response } = await client.messages.create(question).withResponse()
  expect(data.content).toEqual([{ type: 'text', text: 'Hello' }])
  expect(response.headers.get('x-spillway-degraded')).toBe('metadata')
  expect([...server.refused].sort()).toEqual(['developer', 'max_completion_tokens', 'safety_identifier'])
  const before = server.bodies.length
  await client.messages.create(question)
  expect(server.bodies.length - before).toBe(1)
})
