import {
  compose,
  createRequest,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  useModel,
} from '@spillway/middleware'
import { bodyOf, type JsonBody, type JsonObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { BodyScanner } from '@spillway/wire/internal'
import { expect, it } from 'vitest'
import { fit, translate } from './index.ts'

/** The body as the gateway has it: scanned, and not parsed. */
function scanned(json: JsonObject): JsonBody {
  const bytes = Buffer.from(JSON.stringify(json))
  const scanner = new BodyScanner()
  scanner.write(bytes)
  const body = scanner.end(bytes)
  if (typeof body === 'string') throw new Error(body)
  return body
}

/** What the target gets from this chain, and in how many turns of the event loop. */
async function sent(json: JsonObject, ...chain: Middleware[]): Promise<{ body: JsonObject; turns: number }> {
  const clock = virtualClock()
  let turns = 0
  const counting = {
    ...clock,
    now: () => clock.now(),
    setTimer: (ms: number, callback: () => void) => {
      turns++
      return clock.setTimer(ms, callback)
    },
  }
  let body: JsonObject | undefined
  const handler = async (request: ModelRequest): Promise<ModelResponse> => {
    body = JSON.parse(Buffer.from(request.body.bytes).toString())
    return {
      status: 200,
      headers: {},
      body: bodyOf(Buffer.from('{}')),
      failure: undefined,
      outcome: new Promise(() => {}),
      target: undefined,
    }
  }
  const model = String(json.model)
  const request = createRequest({
    ...{ api: 'anthropic', model, stream: false, url: '/v1/messages' },
    body: scanned(json),
    clock: counting,
  })
  const response = await clock.runUntil(compose(chain, handler)(request))
  if (response.failure !== undefined) throw new Error(response.failure.message)
  return { body: body as JsonObject, turns }
}

const question = (text: string, more: object = {}): JsonObject => ({
  model: 'claude-opus-5-5',
  max_tokens: 10,
  messages: [{ role: 'user', content: text }],
  ...more,
})
const small = 'Hello?'
const large = 'Hello? '.repeat(200_000)

it.each([
  ['fit', fit({ model: 'llama3.2' })],
  ['translate', translate({ to: 'openai' })],
])('%s works on a small body at once, and on a large one in turns', async (_, middleware) => {
  expect((await sent(question(small), middleware)).turns).toBe(0)
  expect((await sent(question(large), middleware)).turns).toBeGreaterThan(1)
})

it('has the same result for a large body as for a small one', async () => {
  const toOpenAi = translate({ to: 'openai' })
  expect((await sent(question(large), toOpenAi)).body).toEqual({
    ...(await sent(question(small), toOpenAi)).body,
    messages: [{ role: 'user', content: large }],
  })
  // One that is reduced, mapped and translated.
  const chain = (): Middleware[] => [
    fit({ model: 'claude-sonnet-5-5' }),
    useModel('claude-sonnet-5-5'),
    translate({ to: 'openai' }),
  ]
  const forced = { tools: [{ name: 'a', input_schema: { type: 'object' } }], tool_choice: { type: 'any' } }
  const { body } = await sent(question(large, forced), ...chain())
  expect(body).toMatchObject({ model: 'claude-sonnet-5-5', tool_choice: 'auto' })
  expect(body).toEqual({
    ...(await sent(question(small, forced), ...chain())).body,
    messages: [{ role: 'user', content: large }],
  })
})

it('does not parse a body that needs no fitting in the scope of thinking', async () => {
  const body = scanned(question(small))
  Object.defineProperty(body, 'json', {
    get: () => {
      throw new Error('parsed')
    },
  })
  const request = createRequest({
    ...{ api: 'anthropic', model: 'claude-opus-5-5', stream: false, url: '/', body },
  })
  let passed: ModelRequest | undefined
  void fit({ scope: 'thinking', capabilities: { signedThinking: true } })((each) => {
    passed = each
    return new Promise(() => {})
  })(request)
  expect(passed).toBe(request)
})

it('does not translate what would hold up other calls', async () => {
  const values = { metadata: { user_id: 'u', a: Array.from({ length: 170_000 }, () => 1) } }
  await expect(sent(question(small, values), translate({ to: 'openai' }))).rejects.toThrow(
    /170\d\d\d JSON values, of which 160000 can be/,
  )
  expect((await sent(question(small, values), translate({ to: 'anthropic' }))).body).toMatchObject(values)
})
