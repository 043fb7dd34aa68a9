import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bearer, chatBody, protocols, reply } from '../test/protocols.ts'
import { claudeHeaders, events, messagesBody, type RawResponse, raw } from '../test/raw-client.ts'
import { defaultText, type Fault, type SimulatedServer, startClaude, startOpenRouter } from './index.ts'

/** Milliseconds from a moment to the last piece of a response. */
const timeFrom = (start: number | undefined, { pieces }: RawResponse): number =>
  (pieces.at(-1)?.at ?? 0) - (start ?? 0)

describe.each(protocols)('faults of $name', (protocol) => {
  let server: SimulatedServer
  beforeAll(async () => {
    server = await protocol.start()
  })
  afterEach(() => server.always(undefined))
  afterAll(() => server.close())

  const send = (stream: boolean, fault?: Fault): Promise<RawResponse> => {
    if (fault !== undefined) server.next(fault)
    const headers = protocol.headers ?? {}
    return raw(server.url + protocol.path, { headers, body: { ...protocol.body, stream } })
  }
  /** Ids and times differ from answer to answer; the length does not. */
  const sound = (stream: boolean): Promise<RawResponse> => send(stream)
  const lastSent = (): Buffer => Buffer.from(server.requests.at(-1)?.sent ?? [])

  it.each([false, true])('answers soundly without a fault, stream %s', async (stream) => {
    const response = await sound(stream)
    expect(response).toMatchObject({ status: 200, ended: 'end' })
    expect(lastSent().equals(response.body)).toBe(true)
    if (stream) expect(response.text).toContain(protocol.lastEvent)
    else expect(JSON.stringify(JSON.parse(response.text))).toContain(reply.text)
  })

  it.each([false, true])('resets before any byte, stream %s', async (stream) => {
    const response = await send(stream, { type: 'reset' })
    expect(response).toMatchObject({ status: undefined, ended: 'ECONNRESET' })
    expect(server.requests.at(-1)?.closedAt).toBeUndefined()
  })

  it.each([false, true])('delays the headers, stream %s', async (stream) => {
    const response = await send(stream, { type: 'slow-headers', ms: 60 })
    expect(response.headersAt).toBeGreaterThan(55)
    expect(response).toMatchObject({ status: 200, ended: 'end' })
  })

  it('delays the first content of a stream, and the headers of anything else', async () => {
    const whole = await send(false, { type: 'slow-first-token', ms: 60 })
    expect(whole.headersAt).toBeGreaterThan(55)
    const stream = await send(true, { type: 'slow-first-token', ms: 60 })
    expect(timeFrom(stream.headersAt, stream)).toBeGreaterThan(40)
    expect(stream.text).toContain(protocol.lastEvent)
  })

  it('stalls after some content', async () => {
    const stream = await send(true, { type: 'stall', afterChunks: 2, ms: 60 })
    expect(timeFrom(stream.pieces[0]?.at, stream)).toBeGreaterThan(40)
    expect(stream.text).toContain(protocol.lastEvent)
    const whole = await send(false, { type: 'stall', afterChunks: 2, ms: 60 })
    expect(timeFrom(whole.headersAt, whole)).toBeGreaterThan(40)
    expect(() => JSON.parse(whole.text)).not.toThrow()
  })

  it.each([false, true])('answers with a status, stream %s', async (stream) => {
    const response = await send(stream, { type: 'status', status: 529, retryAfter: 3 })
    expect(response).toMatchObject({ status: 529, ended: 'end', headers: { 'retry-after': '3' } })
    expect(protocol.errorOf(JSON.parse(response.text))).toBe(protocol.overloaded)
    const own = { type: 'status', status: 503, body: '<h1>no</h1>', contentType: 'text/html' } as const
    const page = await send(stream, { ...own, headers: { 'x-own': '1' } })
    expect(page).toMatchObject({ status: 503, text: '<h1>no</h1>', headers: { 'x-own': '1' } })
  })

  it('reports an error in a 200', async () => {
    const whole = await send(false, { type: 'error-in-200', at: 'start', message: 'Bad day' })
    expect(whole).toMatchObject({ status: 200, ended: 'end' })
    expect(JSON.parse(whole.text)).toHaveProperty('error')
    for (const at of ['start', 'before-content', 'after-content'] as const) {
      const { text, status, ended } = await send(true, { type: 'error-in-200', at })
      expect({ status, ended }).toEqual({ status: 200, ended: 'end' })
      expect(text).toContain(protocol.inStream)
      expect(text).not.toContain(protocol.lastEvent)
      expect(text.includes('Wä')).toBe(at === 'after-content')
      if (at === 'start') expect(text).toMatch(/^(event: error\n|data: |\{"error")/)
    }
  })

  it.each([
    ['headers', 'end'],
    ['before-content', 'end'],
    ['after-content', 'end'],
    ['mid-event', 'end'],
    ['headers', 'reset'],
    ['before-content', 'reset'],
    ['after-content', 'reset'],
    ['mid-event', 'reset'],
  ] as const)('cuts at %s by %s', async (at, how) => {
    for (const stream of [false, true]) {
      const full = await sound(stream)
      const { status, ended, text, body } = await send(stream, { type: 'cut', at, how })
      expect(status).toBe(200)
      expect(ended).toBe(how === 'end' ? 'end' : 'ECONNRESET')
      expect(body.length).toBeLessThan(full.body.length)
      expect(lastSent().equals(body)).toBe(true)
      if (at === 'headers') expect(text).toBe('')
      else if (!stream) expect(body.length).toBe(full.body.length >> 1)
      else {
        expect(text.includes('Wä')).toBe(at === 'after-content' || at === 'mid-event')
        expect(text.endsWith('\n') || text === '').toBe(at !== 'mid-event')
      }
      expect(server.requests.at(-1)?.closedAt).toBeUndefined()
    }
  })

  it('makes nonsense of a 200', async () => {
    for (const stream of [false, true]) {
      const empty = await send(stream, { type: 'malformed', how: 'empty' })
      expect(empty).toMatchObject({ status: 200, text: '', ended: 'end' })
      const html = await send(stream, { type: 'malformed', how: 'html' })
      expect(html.headers['content-type']).toContain('text/html')
      const sse = await send(stream, { type: 'malformed', how: 'sse' })
      expect(sse.text).not.toMatch(/^(data|event):/m)
      const json = await send(stream, { type: 'malformed', how: 'json' })
      expect(json).toMatchObject({ status: 200, ended: 'end' })
      const parse = (): unknown =>
        json.headers['content-type']?.includes('event-stream')
          ? events(json.text)
          : json.text
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line))
      expect(parse).toThrow(SyntaxError)
    }
  })

  it('drips the right bytes in any pieces', async () => {
    for (const stream of [false, true]) {
      const full = await sound(stream)
      const dripped = await send(stream, { type: 'drip', bytes: 7, everyMs: 0 })
      expect(dripped).toMatchObject({ status: 200, ended: 'end' })
      expect(dripped.body.length).toBe(full.body.length)
      expect(lastSent().equals(dripped.body)).toBe(true)
      expect(dripped.pieces.length).toBeGreaterThan(3)
      expect(Math.min(...dripped.pieces.map((piece) => piece.bytes))).toBeLessThanOrEqual(7)
    }
  })

  it('gives each request one queued fault, then the standing one', async () => {
    server.always({ type: 'status', status: 500 })
    server.next({ type: 'status', status: 429 }, { type: 'status', status: 529 })
    const statuses: unknown[] = []
    for (let i = 0; i < 4; i++) statuses.push((await send(i % 2 === 0)).status)
    server.always(undefined)
    statuses.push((await send(true)).status)
    expect(statuses).toEqual([429, 529, 500, 500, 200])
    expect(server.requests.at(-2)?.fault).toEqual({ type: 'status', status: 500 })
  })
})

describe('keep-alives', () => {
  it('go on while the first token is slow', async () => {
    const claude = await startClaude()
    claude.next({ type: 'slow-first-token', ms: 55, pings: 10 })
    const body = { ...messagesBody, stream: true }
    const { text } = await raw(`${claude.url}/v1/messages`, { headers: claudeHeaders, body })
    await claude.close()
    const types = events(text).map((event) => event.type)
    const opening = ['message_start', 'ping']
    expect(types.slice(0, 7)).toEqual([...opening, 'ping', 'ping', 'ping', 'ping', 'ping'])
    expect(types.slice(7, 9)).toEqual(['content_block_start', 'content_block_delta'])
  })

  it('are comments at OpenRouter', async () => {
    const router = await startOpenRouter()
    router.next({ type: 'slow-first-token', ms: 35, pings: 10 })
    const { text } = await raw(`${router.url}/v1/chat/completions`, {
      headers: bearer,
      body: { ...chatBody, stream: true },
    })
    await router.close()
    expect(text.match(/^: OPENROUTER PROCESSING$/gm)).toHaveLength(4)
    const said = events(text).map(
      (e) => (e as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content,
    )
    expect(said.join('')).toBe(defaultText)
  })
})
