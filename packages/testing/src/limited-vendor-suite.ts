import assert from 'node:assert/strict'
import {
  type Api,
  createRequest,
  type Handler,
  type Middleware,
  type ModelResponse,
} from '@spillway/middleware'
import { type JsonBody, jsonBodyFromObject, type Operation } from '@spillway/middleware/kit'
import { type EnforcedLimits, enforceLimits, isRefusal, type PoolLimits } from './enforced-limits.ts'
import type { LimitVendor } from './limit-dialects.ts'
import type { ConformanceCase } from './limit-store-suite.ts'
import { type LimitedVendor, limitedVendor, type SimulatedAnswer } from './limited-vendor.ts'
import { promptCache } from './prompt-cache.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

/** The limits that a case sets. */
export interface OwnLimits {
  readonly requestsPerMinute?: number
  readonly inputTokensPerMinute?: number
  readonly outputTokensPerMinute?: number
}

/** A limiter under test, in front of a vendor. */
export interface TestedLimiter {
  readonly middleware: Middleware
  /** Waits until no message to the store of the limits is in flight. @default none ever is */
  readonly idle?: () => Promise<void>
}

/** Makes a limiter with fresh limits, counted in the time of `clock`. */
export type OpenLimiter = (limits: OwnLimits, clock: VirtualClock) => TestedLimiter | Promise<TestedLimiter>

/** Makes a handler of a transport: `attempt` of `@spillway/attempt`. */
export type HandlerOf = (transport: LimitedVendor['transport']) => Handler

/** Between two looks at what has come of the calls, in milliseconds. */
const step = 100

const opus = 'claude-opus-5-5'
const haiku = 'claude-haiku-5-5'
const base64 = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf'.repeat(5_000)

interface Asked extends Partial<SimulatedAnswer> {
  readonly model?: string
  readonly operation?: Operation
  readonly images?: number
  /** Of its text. @default 3.5 */
  readonly bytesPerToken?: number
  readonly maxTokens?: number
  /** Tokens of the prompt's first message; the rest is in a second turn. @default all */
  readonly firstMessage?: number
}

/** A call on its way. */
interface Placed {
  readonly at: number
  /** When it went to the vendor. */
  sentAt?: number
  response?: ModelResponse
}

interface World {
  readonly clock: VirtualClock
  readonly limits: EnforcedLimits
  readonly cache: ReturnType<typeof promptCache>
  /** Calls to the vendor that its limits have refused. */
  readonly limited: number
  /** Input that the vendor has counted for calls that went through the limiter. */
  readonly counted: number
  place(asked: Asked): Placed
  /** Lets time pass. */
  pass(ms: number, every?: () => void): Promise<void>
}

/**
 * What a rate limiter must do in front of a vendor that enforces limits, for any test runner and any store of limits:
 * never be refused, never refuse while there is capacity, whatever the vendor counts and however it says so.
 */
export function limitedVendorCases(open: OpenLimiter, handlerOf: HandlerOf): ConformanceCase[] {
  const on = (
    name: string,
    set: { readonly own: OwnLimits; readonly vendor: PoolLimits; readonly as?: LimitVendor },
    run: (world: World) => Promise<void>,
  ): ConformanceCase => ({
    name,
    run: async () => run(await worldOf(set, open, handlerOf)),
  })
  const tokens = 100_000

  return [
    on(
      'is never refused and uses nearly everything, under three times the load',
      { own: { inputTokensPerMinute: tokens }, vendor: { inputTokensPerMinute: tokens } },
      async (world) => {
        let number = 0
        await world.pass(180_000, () => {
          if (world.clock.now() % 400 < step)
            world.place({ promptTokens: 2_000, conversation: `c${number++}` })
        })
        assert.equal(world.limited, 0)
        assert.ok(world.counted >= 0.93 * 3 * tokens, `${world.counted} tokens in three minutes`)
      },
    ),

    on(
      'lets calls through whose long prompts are cached, since the vendor does not count these',
      {
        own: { requestsPerMinute: 600, inputTokensPerMinute: 400_000, outputTokensPerMinute: 80_000 },
        vendor: { inputTokensPerMinute: 400_000, outputTokensPerMinute: 80_000 },
      },
      async (world) => {
        const agents = Array.from({ length: 10 }, (_, at) => `agent ${at}`)
        for (const agent of agents) world.cache.keep(agent, 123_000, 0)
        const calls = agents.map((conversation) => world.place({ promptTokens: 125_000, conversation }))
        await world.pass(40_000)
        assert.deepEqual(calls.map(statusOf), Array(10).fill(200))
      },
    ),

    on(
      'lets calls with images through, and does not take long prompts for short ones afterwards',
      { own: { inputTokensPerMinute: tokens }, vendor: { inputTokensPerMinute: tokens } },
      async (world) => {
        const calls = Array.from({ length: 10 }, () => world.place({ promptTokens: 8_500, images: 5 }))
        await world.pass(30_000)
        assert.deepEqual(calls.map(statusOf), Array(10).fill(200))
        await world.pass(60_000)
        for (let call = 0; call < 6; call++) world.place({ promptTokens: 45_000 })
        await world.pass(60_000)
        assert.equal(world.limited, 0)
      },
    ),

    on(
      'counts nothing for counts of tokens, and for failures that the vendor does not count',
      {
        own: { inputTokensPerMinute: tokens },
        vendor: { inputTokensPerMinute: tokens, countRequestsPerMinute: 5_000 },
      },
      async (world) => {
        for (let call = 0; call < 20; call++) world.place({ promptTokens: 90_000, operation: 'count_tokens' })
        await world.pass(1_000)
        for (let call = 0; call < 3; call++) {
          world.place({ promptTokens: 60_000, fault: { status: 529 } })
          await world.pass(1_000)
        }
        const call = world.place({ promptTokens: 60_000 })
        await world.pass(5_000)
        assert.equal(statusOf(call), 200)
      },
    ),

    on(
      'counts a prompt whole that the cache forgets while its call waits',
      { own: { inputTokensPerMinute: tokens }, vendor: { inputTokensPerMinute: tokens } },
      async (world) => {
        const first = world.place({ promptTokens: 60_000, conversation: 'a' })
        await world.pass(250_000)
        const filling = world.place({ promptTokens: 97_000, conversation: 'b' })
        await world.pass(35_000)
        const second = world.place({ promptTokens: 64_000, firstMessage: 60_000, conversation: 'a' })
        await world.pass(25_200)
        const last = world.place({ promptTokens: 60_000, conversation: 'c' })
        await world.pass(60_000)
        assert.equal(world.limited, 0)
        assert.deepEqual([first, filling, second].map(statusOf), [200, 200, 200])
        assert.ok(second.sentAt !== undefined && second.sentAt > 300_000)
        assert.notEqual(last.response, undefined)
      },
    ),

    on(
      'lets one model go on while another is refused',
      { own: { inputTokensPerMinute: tokens }, vendor: { inputTokensPerMinute: tokens } },
      async (world) => {
        world.limits.close(haiku, 30_000)
        const first = world.place({ promptTokens: 100, model: haiku })
        await world.pass(1_000)
        assert.equal(statusOf(first), 429)
        const others = [1, 2, 3].map(() => world.place({ promptTokens: 100 }))
        await world.pass(5_000)
        assert.deepEqual(others.map(statusOf), [200, 200, 200])
      },
    ),

    on(
      'shares a pool with others: is hardly ever refused, and takes nearly all that they leave',
      { own: { inputTokensPerMinute: 10 * tokens }, vendor: { inputTokensPerMinute: 10 * tokens } },
      async (world) => {
        // Together they ask for a quarter more than there is.
        others(world, 7.5 * tokens, 360_000)
        const calls: Placed[] = []
        let number = 0
        await world.pass(360_000, () => {
          if (world.clock.now() % 600 < step)
            calls.push(world.place({ promptTokens: 5_000, conversation: `c${number++}` }))
        })
        const share = world.limited / calls.length
        assert.ok(share < 0.02, `${world.limited} of ${calls.length} refused by the vendor`)
        // A full bucket at first, and a quarter of what flows in.
        const left = 10 * tokens + 2.5 * tokens * 6
        assert.ok(world.counted >= 0.9 * left, `${world.counted} of ${left}`)
      },
    ),

    on(
      'uses its share of a pool of which others use another, without waiting',
      { own: { inputTokensPerMinute: tokens / 4 }, vendor: { inputTokensPerMinute: tokens } },
      async (world) => {
        others(world, 0.25 * tokens, 120_000)
        const calls: Placed[] = []
        let number = 0
        await world.pass(120_000, () => {
          if (world.clock.now() % 6_000 < step)
            calls.push(world.place({ promptTokens: 2_000, conversation: `c${number++}` }))
        })
        await world.pass(10_000)
        assert.deepEqual(new Set(calls.map(statusOf)), new Set([200]))
        assert.ok(calls.every(({ at, sentAt = Infinity }) => sentAt - at <= 1_000))
      },
    ),

    on(
      'does not take output that max_tokens allows for output that there will be',
      { own: { outputTokensPerMinute: 80_000 }, vendor: { outputTokensPerMinute: 80_000 } },
      async (world) => {
        const calls = Array.from({ length: 50 }, () =>
          world.place({ promptTokens: 100, outputTokens: 400, maxTokens: 64_000 }),
        )
        await world.pass(20_000)
        assert.deepEqual(new Set(calls.map(statusOf)), new Set([200]))
      },
    ),

    on(
      'reads headers of Groq, whose requests are those of a day',
      {
        as: 'groq',
        own: { requestsPerMinute: 30, inputTokensPerMinute: 60_000 },
        vendor: { requestsPerMinute: 30, requestsPerDay: 1_000, tokensPerMinute: 60_000 },
      },
      async (world) => {
        const calls: Placed[] = []
        for (let call = 0; call < 30; call++) {
          calls.push(world.place({ promptTokens: 100, outputTokens: 50, maxTokens: 100 }))
          await world.pass(500)
        }
        await world.pass(10_000)
        assert.deepEqual(new Set(calls.map(statusOf)), new Set([200]))
        assert.equal(world.limited, 0)
      },
    ),

    on(
      'reads headers of OpenAI, and waits while others have left too little',
      {
        as: 'openai',
        own: { inputTokensPerMinute: tokens },
        vendor: { requestsPerMinute: 500, tokensPerMinute: tokens },
      },
      async (world) => {
        const first = world.place({ promptTokens: 1_000 })
        await world.pass(2_000)
        while (!isRefusal(world.limits.admit({ model: opus, inputTokens: 2_000 })));
        const second = world.place({ promptTokens: 1_000 })
        await world.pass(2_000)
        // What a limiter estimates a little too low comes a little too early.
        const third = world.place({ promptTokens: 20_000, bytesPerToken: 3.7 })
        await world.pass(28_000)
        assert.deepEqual([first, second, third].map(statusOf), [200, 429, 200])
        assert.equal(world.limited, 1)
      },
    ),
  ]
}

async function worldOf(
  set: { readonly own: OwnLimits; readonly vendor: PoolLimits; readonly as?: LimitVendor },
  open: OpenLimiter,
  handlerOf: HandlerOf,
): Promise<World> {
  const clock = virtualClock({ maxTimers: Infinity })
  const vendor = set.as ?? 'anthropic'
  const limits = enforceLimits({ limits: set.vendor, vendor, clock })
  const cache = promptCache()
  const asked = new WeakMap<JsonBody, { answer: SimulatedAnswer; placed: Placed }>()
  const find = (body: JsonBody): { answer: SimulatedAnswer; placed: Placed } => {
    const found = asked.get(body)
    assert.ok(found)
    return found
  }
  let limited = 0
  let counted = 0
  const api: Api = vendor === 'openai' || vendor === 'groq' ? 'openai' : 'anthropic'
  const simulated = limitedVendor({ limits, cache, answer: ({ body }) => find(body).answer })
  const { middleware, idle } = await open(set.own, clock)
  const handler = handlerOf((request, sink) => {
    const { answer, placed } = find(request.body)
    placed.sentAt = clock.now()
    const prompt = simulated.look(answer)
    return simulated.transport(request, {
      ...sink,
      headers(status, headers) {
        if (status === 200) counted += prompt.inputTokens + prompt.cacheWriteTokens
        else if (answer.fault === undefined) limited++
        sink.headers(status, headers)
      },
      data: (chunk) => sink.data(chunk),
      end: () => sink.end(),
    })
  })
  const limitedHandler = middleware(handler)
  return {
    clock,
    limits,
    cache,
    get limited() {
      return limited
    },
    get counted() {
      return counted
    },
    place(call) {
      const { model = opus, operation = 'generate', maxTokens = 1_024 } = call
      const { images = 0, bytesPerToken = 3.5, firstMessage, ...rest } = call
      const answer = { promptTokens: 1_000, outputTokens: 100, ...rest }
      const body = bodyOf(
        model,
        maxTokens,
        answer,
        images,
        bytesPerToken,
        firstMessage ?? answer.promptTokens,
      )
      const placed: Placed = { at: clock.now() }
      asked.set(body, { answer, placed })
      const stream = operation === 'generate'
      const request = createRequest({ api, operation, model, stream, url: '/v1/messages', body, clock })
      limitedHandler(request).then((response) => {
        placed.response = response
        response.body.pipe({ write: () => true, end() {}, fail() {} })
      })
      return placed
    },
    async pass(ms, every) {
      for (let passed = 0; passed < ms; passed += step) {
        every?.()
        await idle?.()
        await clock.advance(step)
        await idle?.()
      }
    },
  }
}

/** Others who use so many tokens a minute of the same pool, in calls of a second. */
function others({ clock, limits }: World, perMinute: number, forMs: number): void {
  const next = (): void => {
    limits.admit({ model: opus, inputTokens: perMinute / 60 })
    if (clock.now() < forMs) clock.setTimer(1_000, next)
  }
  next()
}

function bodyOf(
  model: string,
  maxTokens: number,
  answer: SimulatedAnswer,
  images: number,
  bytesPerToken: number,
  firstMessage: number,
): JsonBody {
  const sentence = 'The spillway carries the water around the dam. '
  const textOf = (tokens: number): string => {
    const bytes = Math.round(tokens * bytesPerToken)
    return sentence.repeat(bytes / sentence.length + 1).slice(0, bytes)
  }
  const source = { type: 'base64', media_type: 'image/png', data: base64 }
  const content = [
    { type: 'text', text: `${answer.conversation ?? ''} ${textOf(firstMessage - images * 1_600)}` },
    ...Array.from({ length: images }, () => ({ type: 'image', source })),
  ]
  const more = [
    { role: 'assistant', content: 'Yes.' },
    { role: 'user', content: textOf(answer.promptTokens - firstMessage) },
  ]
  return jsonBodyFromObject({
    model,
    max_tokens: maxTokens,
    messages: [{ role: 'user', content }, ...(firstMessage < answer.promptTokens ? more : [])],
    stream: true,
    stream_options: { include_usage: true },
  })
}

function statusOf({ response }: Placed): number | undefined {
  return response?.status
}
