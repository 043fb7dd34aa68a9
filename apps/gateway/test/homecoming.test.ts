import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import {
  type Reply,
  type SimulatedServer,
  startClaude,
  startOllama,
  startOpenRouter,
} from '@spillway/testing'
import { expect, it, onTestFinished } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

type Json = { readonly [key: string]: unknown }

const strict = { checkRules: true, checkThinking: true }
const claudeModel = 'claude-sonnet-5-5'

async function claudeAndGateway(): Promise<{ claude: SimulatedServer; url: string }> {
  const claude = forThisTest(await startClaude(strict))
  return { claude, url: (await gatewayOf(configOf(targetAt(claude, 'anthropic')))).url }
}

const hi = { role: 'user', content: 'hi' }
const thinking = { type: 'thinking', thinking: 'hm', signature: '0f8fad5bd9cb469fa16570867728950e' }
const use = (id: string): Json => ({ type: 'tool_use', id, name: 'Bash', input: {} })
const result = (id: string): Json => ({ type: 'tool_result', tool_use_id: id, content: 'r' })
const text = (value: string): Json => ({ type: 'text', text: value })

it.each<[string, Json[]]>([
  [
    'thinking that a server has signed with a random id',
    [hi, { role: 'assistant', content: [thinking, text('hi')] }, hi],
  ],
  [
    'ids of calls that other servers give',
    [
      hi,
      { role: 'assistant', content: [use('functions.Bash:0')] },
      { role: 'user', content: [result('functions.Bash:0')] },
    ],
  ],
  [
    'ids that begin again with each answer',
    [
      hi,
      ...[1, 2].flatMap(() => [
        { role: 'assistant', content: [use('0'), use('1')] },
        { role: 'user', content: [result('0'), result('1')] },
      ]),
    ],
  ],
  [
    'texts of white space',
    [hi, { role: 'assistant', content: [text('\n\n'), use('a')] }, { role: 'user', content: [result('a')] }],
  ],
  ['an answer without a word', [hi, { role: 'assistant', content: [text('')] }, hi]],
])('Claude takes back a conversation with %s', async (_, history) => {
  const { url } = await claudeAndGateway()
  for (const stream of [false, true]) {
    const body = messages({ messages: history, stream })
    const { status, text: said } = await send(`${url}/v1/messages`, { body })
    expect([status, said]).toEqual([200, expect.stringContaining('message')])
  }
})

it('what Claude takes already reaches it byte for byte', async () => {
  const { claude, url } = await claudeAndGateway()
  const body = JSON.stringify(
    messages({
      messages: [
        hi,
        { role: 'assistant', content: [text(' a'), use('toolu_1')] },
        { role: 'user', content: [result('toolu_1')] },
      ],
    }),
    null,
    2,
  )
  expect((await send(`${url}/v1/messages`, { body })).status).toBe(200)
  expect(Buffer.from(claude.requests.at(-1)?.body ?? []).toString()).toBe(body)
})

it('Claude takes back a conversation of chat completions too', async () => {
  const { url } = await claudeAndGateway()
  const call = (id: string): Json => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
  const history = [
    hi,
    {
      role: 'assistant',
      content: '\n\n',
      reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: randomUUID(), index: 0 }],
      tool_calls: [call('functions.f:0'), call('functions.f:0')],
    },
    { role: 'tool', tool_call_id: 'functions.f:0', content: 'r' },
    { role: 'tool', tool_call_id: 'functions.f:0', content: 's' },
    { role: 'assistant', content: [{ type: 'text', text: ' ' }] },
    {
      role: 'user',
      content: [
        { type: 'text', text: '' },
        { type: 'text', text: 'go on' },
      ],
    },
  ]
  const received = await send(`${url}/v1/chat/completions`, {
    body: chat({ model: claudeModel, messages: history }),
  })
  expect([received.status, received.text]).toEqual([200, expect.stringContaining('chat.completion')])
})

/** A server of Messages that answers as vLLM does. */
async function startVllm(answer: (turn: number) => Json[]): Promise<{ url: string; bodies: Json[] }> {
  const bodies: Json[] = []
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    bodies.push(JSON.parse(Buffer.concat(pieces).toString()))
    const content = answer(bodies.length)
    const usage = { input_tokens: 3, output_tokens: 2 }
    const stop_reason = content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn'
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({
        id: `chatcmpl-${randomUUID()}`,
        type: 'message',
        role: 'assistant',
        model: 'qwen',
        content,
        stop_reason,
        usage,
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}

it('a tool loop wanders through five kinds of servers and home to Claude again and again', async () => {
  const reply = (more: Reply): Reply => ({ toolUse: [{ name: 'Bash', input: { command: 'ls' } }], ...more })
  const claude = forThisTest(await startClaude({ ...strict, reply: reply({ thinking: 'Claude thinks.' }) }))
  const vllm = await startVllm((turn) => [
    { type: 'thinking', thinking: 'hm', signature: randomUUID().replaceAll('-', '') },
    text('\n\n'),
    use(`functions.Bash:${turn % 2}`),
  ])
  const calls = [0, 1].map((index) => ({ id: String(index), name: 'Bash', input: { index } }))
  const llama = forThisTest(
    await startOpenRouter({
      reply: { text: ' \n', thinking: 'Llama thinks.', thinkingField: 'reasoning_content', toolUse: calls },
    }),
  )
  const ollama = forThisTest(await startOllama({ reply: reply({ text: '' }) }))
  const router = forThisTest(await startOpenRouter({ reply: reply({ thinking: 'Routed.' }) }))
  const gateway = await gatewayOf({
    targets: {
      claude: targetAt(claude, 'anthropic'),
      vllm: targetAt(vllm, 'anthropic', { capabilities: {} }),
      llama: targetAt(llama, 'openai', { dialect: 'local' }),
      ollama: { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'llama3.2' },
      router: targetAt(router, 'openai', { dialect: 'openrouter' }),
    },
    routes: [
      { models: 'claude-*', target: 'claude' },
      ...['vllm', 'llama', 'ollama', 'router'].map((target) => ({ models: `${target}-*`, target })),
    ],
    retry: { attempts: 1 },
  })
  const client = new Anthropic({ apiKey: 'k', baseURL: gateway.url, maxRetries: 0 })
  const history: Anthropic.MessageParam[] = [{ role: 'user', content: 'Go' }]
  const models = ['claude-sonnet-5-5', 'vllm-q', 'llama-q', 'ollama-q', 'router-q']
  for (let turn = 0; turn <= 30; turn++) {
    const { content } = await client.messages.create({
      model: models[turn % models.length] as string,
      max_tokens: 100,
      messages: history,
      tools: [{ name: 'Bash', input_schema: { type: 'object' } }],
    })
    history.push({ role: 'assistant', content: content as Anthropic.ContentBlockParam[] })
    history.push({
      role: 'user',
      content: content.flatMap((block) =>
        block.type === 'tool_use'
          ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'fine' }]
          : [],
      ),
    })
  }
  expect(claude.requests).toHaveLength(7)
})
