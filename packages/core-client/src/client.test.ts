import { inspect } from 'node:util'
import { defaultText, type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAll, rejection } from '../test/support.ts'
import { type Client, createClient } from './client.ts'
import { isSpillwayError, SpillwayError } from './index.ts'

const upstreams = [
  ['anthropic', startClaude],
  ['openrouter', startOpenRouter],
] as const

describe.each(upstreams)('a client of %s', (provider, start) => {
  let server: SimulatedServer
  let client: Client
  beforeEach(async () => {
    server = await start({ apiKeys: ['sk-real'], separateWrites: true })
    client = createClient({ provider, baseUrl: server.url, credential: 'sk-real' })
  })
  afterEach(async () => {
    await client.close()
    await server.close()
  })
  const body = () => server.requests.at(-1)?.json as Record<string, unknown>

  it('completes, and says what it cost and who answered', async () => {
    const { text, model, target, stopReason, usage } = await client.complete('Hello')
    expect({ text, target }).toEqual({ text: defaultText, target: provider })
    expect(model).toMatch(/^(anthropic\/)?claude-sonnet/)
    expect(stopReason).toMatch(/^end_turn|stop$/)
    expect(usage).toMatchObject({ estimated: false })
    expect(usage?.outputTokens).toBeGreaterThan(0)
  })

  it('hands over text piece by piece, and tells of the call at the end', async () => {
    const stream = client.stream('Hello')
    const { items, error } = await readAll(stream)
    expect(error).toBeUndefined()
    expect(items.length).toBeGreaterThan(1)
    expect(items.join('')).toBe(defaultText)
    const completion = await stream.completion()
    expect(completion).toMatchObject({ text: defaultText, target: provider, usage: { estimated: false } })
  })

  it('completes a stream that nobody reads piece by piece', async () => {
    expect((await client.stream('Hello').completion()).text).toBe(defaultText)
  })

  it('sends nothing for a stream before it is read', async () => {
    client.stream('Hello')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.requests).toHaveLength(0)
  })

  it('closes the upstream when the text is left early, and has no completion then', async () => {
    server.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    const stream = client.stream('Hello')
    for await (const _ of stream) break
    await server.requests[0]?.closedByPeer
    expect(await rejection(stream.completion())).toMatchObject({
      message: expect.stringContaining('left before'),
    })
  })

  it('throws when a stream is cut, after the text that came', async () => {
    server.next({ type: 'cut', at: 'after-content', how: 'end', afterChunks: 3 })
    const { items, error } = await readAll(client.stream('Hello'))
    expect(items).toHaveLength(3)
    expect(error).toMatchObject({
      code: 'SPILLWAY_TRUNCATED',
      attempts: [{ failure: { kind: 'truncated' } }],
    })
  })

  it('throws the error event of a stream', async () => {
    server.next({ type: 'error-in-200', at: 'after-content', errorType: 'overloaded_error' })
    const { error } = await readAll(client.stream('Hello'))
    expect(error).toMatchObject({ code: 'SPILLWAY_OVERLOADED' })
  })

  it('sends what the options say', async () => {
    await client.complete([{ role: 'user', content: 'Hello' }], {
      model: 'some/claude-opus-4-5',
      system: 'Be brief.',
      maxTokens: 5,
      temperature: 0.2,
      stopSequences: ['END'],
      extraBody: { metadata: { user_id: 'u1' } },
    })
    expect(body()).toMatchObject({
      model: 'some/claude-opus-4-5',
      max_tokens: 5,
      temperature: 0.2,
      metadata: { user_id: 'u1' },
    })
    expect(JSON.stringify(body())).toMatch(/"Be brief\."/)
    expect(JSON.stringify(body())).toMatch(/"stop(_sequences)?":\["END"\]/)
  })

  it('throws an error that tells code, request and attempts, and no secret', async () => {
    server.always({ type: 'status', status: 529 })
    for (const error of [
      await rejection(client.complete('Hello')),
      await rejection(client.stream('Hello').completion()),
      await rejection(client.generateCode('Hello')),
    ]) {
      expect(error).toBeInstanceOf(SpillwayError)
      expect(isSpillwayError(error)).toBe(true)
      expect(error).toMatchObject({
        code: 'SPILLWAY_OVERLOADED',
        callId: expect.stringMatching(/./),
        attempts: [{ target: provider, failure: { kind: 'overloaded', status: 529 } }],
      })
      if (provider === 'anthropic') expect((error as SpillwayError).requestId).toMatch(/^req_/)
      for (const shown of [
        String(error),
        JSON.stringify(error),
        inspect(error, { depth: 9, showHidden: true }),
      ]) {
        expect(shown).not.toContain('sk-real')
      }
    }
  })

  it('throws a TypeError for an empty prompt', async () => {
    expect(await rejection(client.complete(''))).toBeInstanceOf(TypeError)
    expect(await rejection(client.complete([]))).toBeInstanceOf(TypeError)
  })

  it('has limits of its own', async () => {
    server.always({ type: 'slow-headers', ms: Infinity })
    await using quick = createClient({
      provider,
      baseUrl: server.url,
      credential: 'sk-real',
      timeouts: { headers: 30 },
    })
    expect(await rejection(quick.complete('Hello'))).toMatchObject({
      code: 'SPILLWAY_TIMEOUT',
      failure: { phase: 'headers' },
    })
  })
})

describe('the temperature of generated code', () => {
  const sentFor = async (model: string, headers: Record<string, string> = {}): Promise<unknown> => {
    await using claude = await startClaude({ reply: { text: '```ts\n1\n```' } })
    await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k', model })
    await client.generateCode('One', { headers })
    const [request] = claude.requests
    return (request?.json as { temperature?: number } | undefined)?.temperature
  }

  it('is 0.7 where the model takes one', async () => {
    expect(await sentFor('claude-opus-4-5')).toBe(0.7)
  })

  it('is left out where the model takes none', async () => {
    expect(await sentFor('claude-opus-5-5')).toBeUndefined()
  })

  it('is left out where the version of the API takes none', async () => {
    expect(await sentFor('claude-opus-4-5', { 'Anthropic-Version': '2026-10-21' })).toBeUndefined()
  })
})

it.each(['ftp://a.example', 'file:///etc/hosts', 'ws://a.example'])('refuses the address %s', (baseUrl) => {
  expect(() => createClient({ provider: 'anthropic', baseUrl, credential: 'k' })).toThrow(
    'must begin with http:// or https://',
  )
})
