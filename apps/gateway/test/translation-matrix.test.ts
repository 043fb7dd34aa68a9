import Anthropic from '@anthropic-ai/sdk'
import {
  type Fault,
  type Reply,
  type SimulatedServer,
  startClaude,
  startOllama,
  startOpenAi,
} from '@spillway/testing'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { ownKey, targetAt } from './gateway.ts'
import { type Caller, conversationOf, type Question, type Seen } from './matrix-clients.ts'
import { expected, type Feature, ignored, matrixPage, servers, type Target } from './matrix-table.ts'

// Each official SDK asks each kind of server, through one gateway, what people ask; the servers refuse what theirs refuse.

let reply: (turn: number) => Reply
let running: Record<Target, SimulatedServer>
let gateway: Gateway

beforeAll(async () => {
  const options = { reply: ({ json }: { json: unknown }) => reply(turnOf(json)), separateWrites: true }
  running = {
    claude: await startClaude({ ...options, checkRules: true, checkThinking: true }),
    openai: await startOpenAi(options),
    responses: await startOpenAi(options),
    compatible: await startOpenAi({ ...options, rules: 'deepseek' }),
    ollama: await startOllama(options),
  }
  const config = {
    targets: {
      claude: targetAt(running.claude, 'anthropic'),
      openai: targetAt(running.openai, 'openai', { dialect: 'openai', responses: false }),
      responses: targetAt(running.responses, 'openai', { dialect: 'openai', responses: 'only' }),
      compatible: targetAt(running.compatible, 'openai', { dialect: 'deepseek' }),
      ollama: { api: 'ollama', endpoints: [{ url: running.ollama.url }] },
    },
    routes: Object.entries(servers).map(([target, { model }]) => ({ models: model, target })),
    retry: { attempts: 1 },
    circuitBreaker: { enabled: false },
  }
  process.env.SPILLWAY_TEST_KEY = ownKey.value
  gateway = await startGateway(parseConfig(stringify(config), 'test.yaml').config, { port: 0 })
})
afterAll(async () => {
  await gateway.close(0)
  await Promise.all(Object.values(running).map((server) => server.close()))
})

interface Item {
  readonly role?: string
  readonly type?: string
}

/** How many answers a conversation has so far. */
function turnOf(json: unknown): number {
  const { messages, input = [] } = json as { messages?: Item[]; input?: string | Item[] }
  if (messages !== undefined) return messages.filter(({ role }) => role === 'assistant').length
  // Items of one answer follow each other.
  const isAnswer = (item?: Item): boolean =>
    item?.role === 'assistant' || item?.type === 'reasoning' || item?.type === 'function_call'
  const items = typeof input === 'string' ? [] : input
  return items.filter((item, index) => isAnswer(item) && !isAnswer(items[index - 1])).length
}

const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const calls = [
  { name: 'open_gate', input: { gate: 3, note: '“wide” \\ and größer' } },
  { name: 'ring_bell', input: { gate: 4 } },
]
const level = { level: 7, unit: 'm' }
const schema = {
  type: 'object',
  properties: { level: { type: 'integer' }, unit: { type: 'string', enum: ['m', 'ft'] } },
  required: ['level', 'unit'],
  additionalProperties: false,
}
const usage = { inputTokens: 20, outputTokens: 9 }
const done: Reply = { text: 'The gates are open.', usage }

interface Play {
  /** What the model says, turn by turn. */
  readonly says: readonly Reply[]
  readonly asks: Partial<Question>
  readonly fault?: (stream: boolean) => Fault
}

const plays: Readonly<Record<Feature, Play>> = {
  text: { says: [{ text: 'Seven metres, größer als “drei”.', usage }], asks: {} },
  tools: { says: [{ toolUse: calls.slice(0, 1), usage }, done], asks: { tools: true } },
  'a tool that must be called': {
    says: [{ toolUse: calls.slice(0, 1), usage }],
    asks: { tools: true, forced: true },
  },
  'parallel tools with text between': {
    says: [{ text: 'First the gate, then the bell.', toolUse: calls, interleaved: true, usage }, done],
    asks: { tools: true },
  },
  'images as data': { says: [done], asks: { image: pixel } },
  'images by URL': { says: [done], asks: { image: 'https://example.com/gauge.png' } },
  thinking: {
    says: [{ thinking: 'Hm. The gate.', text: 'I open it.', toolUse: calls.slice(0, 1), usage }, done],
    asks: { thinks: true, tools: true },
  },
  'structured output': { says: [{ text: JSON.stringify(level), usage }], asks: { schema } },
  errors: {
    says: [done],
    asks: {},
    fault: () => ({ type: 'status', status: 429, message: 'the dam is full', retryAfter: 7 }),
  },
  cut: {
    says: [done],
    asks: {},
    fault: (stream) => ({ type: 'cut', at: 'after-content', how: stream ? 'reset' : 'end' }),
  },
}

/** What is expected of an answer, where its model says so. */
function check(seen: Seen, { text = '', toolUse = [], thinking = '' }: Reply, target: Target): void {
  expect(seen.text).toBe(text)
  expect(seen.calls).toEqual(toolUse)
  expect(seen.callsTools).toBe(toolUse.length > 0)
  expect(seen.outputTokens).toBe(9)
  if (thinking !== '') expect(seen.thinking).toBe(servers[target].thinksAloud ? thinking : '')
}

const sdks = { messages: Anthropic, chat: OpenAI, responses: OpenAI } as const

/** What came of a cell: the losses, or the error, in the words of the table. */
async function outcomeOf(caller: Caller, target: Target, feature: Feature, stream: boolean): Promise<string> {
  const { says, asks, fault } = plays[feature]
  reply = (turn) => says[turn] ?? done
  const question: Question = { ...asks, model: servers[target].model, stream }
  const conversation = conversationOf(caller, gateway.url)
  if (fault !== undefined) running[target].next(fault(stream))
  const losses = new Set<string>()
  try {
    for (const [turn, said] of says.entries()) {
      const seen = await (turn === 0 ? conversation.ask(question) : conversation.answer(question))
      check(seen, said, target)
      for (const loss of seen.degraded.split(', ').filter(Boolean)) losses.add(loss)
    }
  } catch (error) {
    const { APIError, RateLimitError, BadRequestError } = sdks[caller]
    if (!(error instanceof APIError)) throw error
    if (error instanceof RateLimitError) {
      expect(error.message).toContain('the dam is full')
      expect(error.headers.get('retry-after')).toBe('7')
      return 'RateLimitError'
    }
    return error instanceof BadRequestError ? `400: ${error.message}` : 'APIError'
  }
  // Its Messages endpoint would pass over them.
  const isPassedOver = target === 'ollama' && (asks.schema !== undefined || asks.forced === true)
  if (isPassedOver) expect(running.ollama.requests.at(-1)?.path).toBe('/v1/chat/completions')
  return [...losses].sort().join(', ')
}

describe.each(Object.keys(expected) as Caller[])('callers of %s', (caller) => {
  describe.each(Object.keys(servers) as Target[])('at %s', (target) => {
    it.each(Object.keys(plays) as Feature[])('get %s, at once and as a stream', async (feature) => {
      for (const stream of [false, true]) {
        const outcome = await outcomeOf(caller, target, feature, stream)
        const [wanted] = [expected[caller][feature][target]]
        if (wanted.startsWith('400: ')) expect(outcome).toContain(wanted.slice(5))
        else expect(outcome).toBe(wanted === ignored ? '' : wanted)
      }
    })
  })
})

it('docs/translation.md has this table; write it with vitest -u', async () => {
  await expect(matrixPage()).toMatchFileSnapshot('../../../docs/translation.md')
})
