import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk/lib/middleware'
import { wrapFetch } from '@spillway/attempt'
import { listen, type Middleware, type Outcome, type SpillwayEvent } from '@spillway/middleware'
import {
  type ClaudeOptions,
  type RecordedRequest,
  type Reply,
  type SimulatedServer,
  startClaude,
} from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fallback } from './fallback.ts'
import { publishedModels } from './permitted-models.ts'
import { refusalFallback } from './refusal-fallback.ts'
import type { RefusalFallbackOptions } from './refusal-options.ts'

const fable = 'claude-fable-5'
const opus = 'claude-opus-4-8'
const haiku = 'claude-haiku-5-5'
const fallbackModels = { [fable]: [opus, haiku], [opus]: [haiku], [haiku]: [] }

type Replies = Readonly<Record<string, Reply | ((request: RecordedRequest) => Reply)>>

const declines = (text = ''): Reply => ({ text, refusal: { category: 'cyber' } })
const says = (text: string): Reply => ({ text, usage: { cacheWriteTokens: 900, inputTokens: 12 } })

const modelOf = ({ json }: RecordedRequest): string => (json as { model: string }).model
const bodyOf = (request: RecordedRequest | undefined) => request?.json as Record<string, unknown>

async function claudeWith(replies: Replies, options: ClaudeOptions = {}): Promise<SimulatedServer> {
  const reply = (request: RecordedRequest): Reply => {
    const found = replies[modelOf(request)] ?? {}
    return typeof found === 'function' ? found(request) : found
  }
  const server = await startClaude({ reply, fallbackModels, ...options })
  onTestFinished(() => server.close())
  return server
}

const sdk = (server: SimulatedServer, options: ClientOptions): Anthropic =>
  new Anthropic({ apiKey: 'sk-test', baseURL: server.url, maxRetries: 0, logLevel: 'off', ...options })

const ours = (server: SimulatedServer, options: RefusalFallbackOptions, ...outer: Middleware[]): Anthropic =>
  sdk(server, { fetch: wrapFetch(fetch, ...outer, refusalFallback(options)) })

const theirs = (server: SimulatedServer, models: readonly string[]): Anthropic =>
  sdk(server, { middleware: [betaRefusalFallbackMiddleware(models.map((model) => ({ model })))] })

const params = {
  model: fable,
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'How do dams fail?' }],
}

/** Signatures name the server that gave them. */
const withoutJitter = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, each) => (name === 'signature' ? 'signed' : each)))

/** The message that a client assembles, and the prompts that it took. */
async function answerOf(client: Anthropic, stream: boolean, server: SimulatedServer): Promise<unknown> {
  const message = stream
    ? await client.beta.messages.stream(params).finalMessage()
    : await client.beta.messages.create(params)
  const { content, model, stop_reason, stop_details, usage } = message
  // Of a stream, theirs has these details from the first model. Of the models' own usage they tell in a stream alone.
  const { cache_creation: _, iterations, ...used } = usage
  return withoutJitter({
    ...{ content, model, stop_reason, used, iterations: stream ? iterations : undefined },
    category: stop_details?.category,
    asked: server.requests.map((request) => {
      const { fallback_credit_token: credit, ...body } = bodyOf(request)
      return { ...body, credit: credit === undefined ? undefined : (credit as { mode: string }).mode }
    }),
    betas: server.requests.map(({ headers }) => headers['anthropic-beta']),
  })
}

describe('beside the middleware of the official SDK, the caller gets the same answer and the same credit', () => {
  const cases: readonly [name: string, replies: Replies, models?: readonly string[]][] = [
    ['no model declines', { [fable]: says('They leak.') }],
    ['one declines before any output', { [fable]: declines(), [opus]: says('They leak.') }],
    ['two do', { [fable]: declines(), [opus]: declines(), [haiku]: says('They leak.') }],
    ['all do', { [fable]: declines(), [opus]: declines(), [haiku]: declines() }],
    [
      'one declines after some output, which the next continues',
      { [fable]: declines('Mostly by'), [opus]: says(' overtopping.') },
    ],
    ['two do', { [fable]: declines('Mostly'), [opus]: declines(' by'), [haiku]: says(' overtopping.') }],
    [
      'one thinks first',
      { [fable]: { ...declines('Mostly by'), thinking: 'Dams.' }, [opus]: says(' overtopping.') },
    ],
    [
      'one declines within a block',
      { [fable]: { text: 'Mostly by', refusal: { inBlock: true } }, [opus]: says(' overtopping.') },
    ],
    [
      'a model is asked that the credit is not for',
      { [fable]: declines(), 'claude-sonnet-5-5': says('They leak.') },
      ['claude-sonnet-5-5'],
    ],
  ]
  it.each(
    cases.flatMap(([name, ...rest]) => [[name, false, ...rest] as const, [name, true, ...rest] as const]),
  )('where %s (stream: %s)', async (_, stream, replies, models = [opus, haiku]) => {
    const [one, other] = await Promise.all([claudeWith(replies), claudeWith(replies)])
    const expected = await answerOf(theirs(one, models), stream, one)
    const actual = await answerOf(ours(other, { models }), stream, other)
    expect(actual).toEqual(expected)
  })
})

describe('a model that declines', () => {
  it('leaves the bytes of answers alone, and of a refusal that nobody else may answer', async () => {
    for (const reply of [says('They leak.'), declines('Mostly by'), declines()]) {
      const claude = await claudeWith({ [fable]: reply })
      const wrapped = wrapFetch(fetch, refusalFallback({ models: [] }))
      for (const stream of [false, true]) {
        const response = await wrapped(`${claude.url}/v1/messages`, {
          method: 'POST',
          headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
          body: JSON.stringify({ ...params, stream }),
        })
        expect(await response.text()).toBe(Buffer.from(claude.requests.at(-1)?.sent ?? []).toString())
      }
    }
  })

  it('is asked no more in its conversation, whose seams are not sent back, nor what belongs before them', async () => {
    const claude = await claudeWith({
      [fable]: { ...declines('Mostly by'), thinking: 'Dams.' },
      [opus]: says('overtopping.'),
    })
    const client = ours(claude, { models: [opus] })
    const first = await client.beta.messages.stream(params).finalMessage()
    expect(first.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'fallback', 'text'])
    const next = {
      ...params,
      messages: [...params.messages, first, { role: 'user' as const, content: 'And?' }],
    }
    const messages = next.messages.map(({ role, content }) => ({ role, content }))
    const second = await client.beta.messages.create({ ...next, messages } as typeof params)
    expect(second.content).toMatchObject([{ type: 'text', text: 'overtopping.' }])
    expect(claude.requests.map(modelOf)).toEqual([fable, opus, opus])
    const [, turn] = bodyOf(claude.requests[2]).messages as { content: { type: string }[] }[]
    expect(turn?.content.map(({ type }) => type)).toEqual(['text', 'text'])
    // Another conversation begins with the model that it asks for, even if it begins alike.
    await client.beta.messages.create(params)
    expect(claude.requests.map(modelOf).slice(3)).toEqual([fable, opus])
  })

  it('is followed by the models that the vendor permits, in its order where nobody has another', async () => {
    const replies = { [fable]: declines(), [opus]: declines(), [haiku]: says('They leak.') }
    const claude = await claudeWith(replies)
    let reads = 0
    const permitted = publishedModels({
      async read(path, headers) {
        reads++
        const response = await fetch(claude.url + path, { headers: { 'x-api-key': 'k', ...headers } })
        return response.json()
      },
    })
    const asked = async (options: RefusalFallbackOptions): Promise<string[]> => {
      const before = claude.requests.length
      await ours(claude, options).beta.messages.create(params)
      return claude.requests
        .slice(before)
        .filter(({ path }) => path.startsWith('/v1/messages'))
        .map(modelOf)
    }
    // The Models API of a server that lists no models knows none of these.
    expect(await asked({ permitted })).toEqual([fable])
    expect(reads).toBe(1)
    const listing = await claudeWith(replies, { models: [fable, opus, haiku, 'claude-sonnet-5-5'] })
    const published = publishedModels({
      read: async (path, headers) =>
        (await fetch(listing.url + path, { headers: { 'x-api-key': 'k', ...headers } })).json(),
    })
    expect(await asked({ permitted: published })).toEqual([fable, opus, haiku])
    expect(await asked({ permitted: published, models: ['claude-sonnet-5-5', haiku] })).toEqual([
      fable,
      haiku,
    ])
  })

  it('is handed over where nothing may be asked, or all that may fails', async () => {
    const claude = await claudeWith(
      { [fable]: declines('Mostly by') },
      { fault: (request) => (modelOf(request) === fable ? undefined : { type: 'status', status: 529 }) },
    )
    const client = ours(claude, { models: [opus, haiku] })
    const message = await client.beta.messages.stream(params).finalMessage()
    expect(message).toMatchObject({ stop_reason: 'refusal', content: [{ type: 'text', text: 'Mostly by' }] })
    expect(claude.requests.map(modelOf)).toEqual([fable, opus, haiku])
    expect(claude.requests.map((request) => typeof bodyOf(request).fallback_credit_token)).toEqual([
      'undefined',
      'object',
      'object',
    ])
  })

  it('is not spoken for by other targets, unless they are asked to', async () => {
    const claude = await claudeWith({ [fable]: declines(), [opus]: declines() })
    const other = await claudeWith({ [fable]: says('Elsewhere.') })
    const { wrapFetch: _, target, attempt, fetchTransport } = await import('@spillway/attempt')
    const { deriveRequest } = await import('@spillway/middleware')
    const local = target('local', (request) =>
      attempt(fetchTransport(fetch))(
        deriveRequest(request, {
          url: `${other.url}/v1/messages`,
          headers: { ...request.headers, 'x-api-key': 'k' },
        }),
      ),
    )
    const refusal = { models: [opus] }
    const kind = async (when?: () => boolean): Promise<string | null> => {
      const options = when === undefined ? { refusal } : { refusal, when }
      const client = sdk(claude, { fetch: wrapFetch(fetch, fallback([local], options)) })
      return (await client.beta.messages.create(params)).stop_reason
    }
    expect(await kind()).toBe('refusal')
    expect(await kind(() => true)).toBe('end_turn')
  })

  it.each([
    ['fallbacks', { fallbacks: [{ model: opus }], betas: ['server-side-fallback-2026-07-01'] }],
    ['a token of the caller', { fallback_credit_token: 'fct_x.y', betas: ['fallback-credit-2026-07-01'] }],
  ])('is left to the caller who sends %s', async (_, more) => {
    const claude = await claudeWith({ [fable]: declines(), [opus]: says('They leak.') })
    await ours(claude, { models: [haiku] })
      .beta.messages.create({ ...params, ...more } as typeof params)
      .catch(() => {})
    expect(claude.requests.map(modelOf)).toEqual([fable])
    expect(claude.requests[0]?.headers['anthropic-beta']).toBe(more.betas[0])
  })

  it('costs the vendor no second time: retries without a token where the field is refused', async () => {
    const refused = 'fallback_credit_token: Extra inputs are not permitted'
    const claude = await claudeWith(
      { [fable]: declines(), [opus]: says('They leak.') },
      {
        fault: ({ json }) =>
          'fallback_credit_token' in (json as object)
            ? { type: 'status', status: 400, message: refused }
            : undefined,
      },
    )
    const message = await ours(claude, { models: [opus] }).beta.messages.create(params)
    expect(message.content).toMatchObject([{ type: 'fallback' }, { text: 'They leak.' }])
    expect(claude.requests).toHaveLength(3)
  })

  it('keeps its end from no reader who leaves, and lets go of the model that was about to go on', async () => {
    const claude = await claudeWith(
      { [fable]: declines('Mostly by'), [opus]: says('overtopping.') },
      { fault: (request) => (modelOf(request) === opus ? { type: 'slow-headers', ms: 60_000 } : undefined) },
    )
    const stream = ours(claude, { models: [opus] }).beta.messages.stream(params)
    const ended = expect(stream.done()).rejects.toThrow('aborted')
    await expect.poll(() => claude.requests.length).toBe(2)
    stream.abort()
    await ended
    await claude.requests[1]?.closedByPeer
  })

  it('is an outcome that the next one changes, with the usage of both where both were heard', async () => {
    const outcomes: Promise<Outcome>[] = []
    const events: SpillwayEvent[] = []
    const watch: Middleware = (next) => async (request) => {
      const response = await next(listen(request, (event) => events.push(event)))
      outcomes.push(response.outcome)
      return response
    }
    const claude = await claudeWith({
      [fable]: { ...declines('Mostly by'), usage: { inputTokens: 10, outputTokens: 2 } },
      [opus]: { text: ' overtopping.', usage: { inputTokens: 12, outputTokens: 3 } },
    })
    await ours(claude, { models: [opus] }, watch)
      .beta.messages.stream(params)
      .finalMessage()
    expect(await outcomes[0]).toMatchObject({
      failure: undefined,
      model: opus,
      usage: { inputTokens: 22, outputTokens: 5 },
    })
    expect(events.filter(({ type }) => type === 'fallback.switched')).toMatchObject([
      { model: opus, failure: { kind: 'refusal', code: 'cyber' }, midStream: 'continue' },
    ])
  })
})

describe('of an endpoint that answers', () => {
  type Body = Readonly<Record<string, unknown>>

  /** Asks through our fetch; the endpoint gives these bodies in turn. */
  async function through(
    bodies: readonly string[],
    more: object = {},
  ): Promise<{ said: string; asked: Body[] }> {
    const asked: Body[] = []
    const endpoint = async (_: unknown, init?: RequestInit): Promise<Response> => {
      const body = JSON.parse(Buffer.from(init?.body as Uint8Array).toString()) as Body
      const answer = bodies[asked.push(body) - 1] ?? ''
      const status = answer.includes('"type":"error"') ? (answer.includes('overloaded') ? 529 : 400) : 200
      const type = answer.startsWith('event:') ? 'text/event-stream' : 'application/json'
      return new Response(answer, { status, headers: { 'content-type': type } })
    }
    const wrapped = wrapFetch(endpoint as typeof fetch, refusalFallback({ models: [opus] }))
    const response = await wrapped('http://endpoint.test/v1/messages', {
      method: 'POST',
      body: JSON.stringify({ ...params, ...more }),
    })
    return { said: await response.text(), asked }
  }

  const details = (more: object = {}): object => ({
    ...{ type: 'refusal', category: null, fallback_credit_token: 'fct', fallback_has_prefill_claim: true },
    ...more,
  })
  const refused = (content: object[], more: object = {}): string =>
    JSON.stringify({ type: 'message', content, stop_reason: 'refusal', stop_details: details(more) })
  const answered = (text: string): string =>
    `{"type":"message","content":[{"type":"text","text":${JSON.stringify(text)}}],"stop_reason":"end_turn","usage":{}}`
  const failed = (type: string, message: string): string =>
    JSON.stringify({ type: 'error', error: { type, message } })
  const ran = [
    { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
    { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
  ]

  it('numbers stay as they were written', async () => {
    const call = '{"type":"tool_use","id":"t","name":"n","input":{"id":12345678901234567890}}'
    const answer = `{"type":"message","content":[${call}],"stop_reason":"tool_use","usage":{}}`
    const { said } = await through([refused([]), answer])
    expect(said).toContain(call)
  })

  it('tools of the vendor that have run are continued from, also without streaming', async () => {
    const { said, asked } = await through([refused(ran), answered('Found.')])
    expect((asked[1]?.messages as object[] | undefined)?.at(-1)).toEqual({ role: 'assistant', content: ran })
    expect(JSON.parse(said).content.map(({ type }: { type: string }) => type)).toEqual([
      'server_tool_use',
      'web_search_tool_result',
      'fallback',
      'text',
    ])
  })

  it.each([
    ['that may not be continued from', refused(ran, { fallback_has_prefill_claim: false }), []],
    ['whose continuation is refused', refused(ran), [failed('invalid_request_error', 'no prefill')]],
  ])('tools that have run, %s, are not run again', async (_, refusal, rest) => {
    const { said, asked } = await through([refusal, ...rest, answered('Found.')])
    expect(JSON.parse(said).stop_reason).toBe('refusal')
    expect(asked).toHaveLength(1 + rest.length)
  })

  it('a claim that nobody makes is tried, and given up', async () => {
    const begun = [{ type: 'text', text: 'Mostly  ' }]
    const sse = (data: object & { type: string }): string =>
      `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
    const stream = [
      { type: 'message_start', message: { model: fable, content: [], usage: {} } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Mostly  ' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'refusal', stop_details: details({ fallback_has_prefill_claim: undefined }) },
        usage: {},
      },
      { type: 'message_stop' },
    ].map(sse)
    const next = stream.map((event) =>
      event.replace('Mostly  ', 'They leak.').replace('"refusal"', '"end_turn"'),
    )
    const rejected = failed('invalid_request_error', 'no prefill')
    const { said, asked } = await through([stream.join(''), rejected, next.join('')], { stream: true })
    expect(asked.map(({ messages }) => (messages as object[]).slice(1))).toEqual([
      [],
      [{ role: 'assistant', content: [{ ...begun[0], text: 'Mostly' }] }],
      [],
    ])
    expect(said).toContain('"index":2,"delta":{"type":"text_delta","text":"They leak."}')
    expect(said.match(/message_start/g)).toHaveLength(2)
  })

  it('a fast mode that is crowded is left for the usual one', async () => {
    const { said, asked } = await through(
      [refused([]), failed('overloaded_error', 'o'), answered('They leak.')],
      {
        speed: 'fast',
      },
    )
    expect(asked.map(({ speed }) => speed)).toEqual(['fast', 'fast', 'standard'])
    expect(said).toContain('They leak.')
  })

  it('thinking that the next model may not know is switched off', async () => {
    const { asked } = await through([refused([]), answered('They leak.')], {
      thinking: { type: 'between_tools' },
    })
    expect(asked[1]?.thinking).toEqual({ type: 'disabled' })
  })
})

it('nobody goes on within a tool call, which no agent must run then', async () => {
  const call = { name: 'rm', input: { path: '/' } }
  const claude = await claudeWith({
    [fable]: { text: 'Now', toolUse: [call], refusal: { inBlock: true } },
    [opus]: says('Else.'),
  })
  const message = await ours(claude, { models: [opus] })
    .beta.messages.stream(params)
    .finalMessage()
  expect([message.stop_reason, claude.requests.length]).toEqual(['refusal', 1])
})

it('a model that nobody stands in for is asked as if there were no policy', async () => {
  const claude = await claudeWith({ [haiku]: says('They leak.') })
  const models = (model: string): string[] => (model === fable ? [opus] : [])
  await ours(claude, { models }).beta.messages.create({ ...params, model: haiku })
  expect(claude.requests[0]?.headers['anthropic-beta']).toBeUndefined()
})

it.each([
  [{}, /refusal\.models or refusal\.permitted/],
  [{ models: [opus], stayFor: -1 }, /refusal\.stayFor/],
  [{ models: [opus], maxConversations: 0 }, /refusal\.maxConversations/],
])('options that make no sense are refused: %j', (options, message) => {
  expect(() => refusalFallback(options)).toThrow(message)
  expect(() => fallback([], { refusal: options })).toThrow(message)
})
