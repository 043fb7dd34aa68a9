import { type Fault, startClaude, startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { createClient } from '../src/index.ts'
import { question } from './support.ts'

const reply = {
  thinking: 'Größe? 💧',
  text: 'Ein „Überlauf“ 🌊 führt Wasser\r\n\r\ndata: sicher ab.',
  toolUse: [{ name: 'open_gate', input: { note: 'é\u2028' } }],
}
const faults: [what: string, fault: Fault][] = [
  ['in pieces of 1 byte', { type: 'drip', bytes: 1, everyMs: 0 }],
  ['in pieces of 7 bytes', { type: 'drip', bytes: 7, everyMs: 0 }],
  ['in pieces of 1000 bytes', { type: 'drip', bytes: 1000, everyMs: 0 }],
  ['with pings before it', { type: 'slow-first-token', ms: 30, pings: 10 }],
  ['with pings within it', { type: 'stall', afterChunks: 2, ms: 30, pings: 10 }],
]
const statuses = [400, 401, 403, 404, 413, 429, 500, 504, 529]

describe.each([
  ['Claude', 'anthropic', startClaude, '/v1/messages'],
  ['OpenRouter', 'openrouter', startOpenRouter, '/v1/chat/completions'],
] as const)('what %s sends is what the caller reads', (_, provider, start, path) => {
  const passed = async (
    stream: boolean,
    fault?: Fault,
  ): Promise<{ sent: string; read: string; status: number | undefined; got: number }> => {
    await using server = await start({ reply, apiKeys: ['k'] })
    await using client = createClient({ provider, baseUrl: server.url, credential: 'k' })
    if (fault !== undefined) server.next(fault)
    const response = await client.fetch(server.url + path, question({ stream }))
    const read = Buffer.from(await response.arrayBuffer()).toString()
    const [request] = server.requests
    return {
      sent: Buffer.from(request?.sent ?? []).toString(),
      read,
      status: request?.status,
      got: response.status,
    }
  }

  it('without a stream', async () => {
    const { sent, read } = await passed(false)
    expect(read).toBe(sent)
    expect(sent).toContain('Überlauf')
  })

  it('without a stream, in small pieces', async () => {
    const { sent, read } = await passed(false, { type: 'drip', bytes: 3, everyMs: 0 })
    expect(read).toBe(sent)
  })

  it('in a stream', async () => {
    const { sent, read } = await passed(true)
    expect(read).toBe(sent)
  })

  it.each(faults)('in a stream %s', async (_, fault) => {
    const { sent, read, got } = await passed(true, fault)
    expect(got).toBe(200)
    expect(read).toBe(sent)
  })

  it('in a stream with an error after content', async () => {
    const { sent, read } = await passed(true, { type: 'error-in-200', at: 'after-content' })
    // What OpenRouter sends after its error, the mark of the end, says nothing more.
    expect(sent.startsWith(read)).toBe(true)
    expect(read).toMatch(/error/)
  })

  it('in a stream with an error before content, as the body of an error', async () => {
    const { sent, read, got } = await passed(true, { type: 'error-in-200', at: 'before-content' })
    expect(got).toBeGreaterThanOrEqual(400)
    expect(sent).toContain(read)
  })

  it.each(statuses)('with status %i', async (status) => {
    for (const stream of [false, true]) {
      const { sent, read, got } = await passed(stream, { type: 'status', status, message: 'Überlastet 🌊' })
      expect(got).toBe(status)
      expect(read).toBe(sent)
    }
  })

  it('with an error page that is no JSON', async () => {
    const body = '<html>Bad gateway</html>'
    const { read, got } = await passed(false, { type: 'status', status: 502, body, contentType: 'text/html' })
    expect({ read, got }).toEqual({ read: body, got: 502 })
  })

  it('with an error inside a 200', async () => {
    const { sent, read, got } = await passed(false, { type: 'error-in-200', at: 'start' })
    expect(got).toBeGreaterThanOrEqual(400)
    expect(read).toBe(sent)
  })
})

it('sends the body of the call byte for byte', async () => {
  await using claude = await startClaude()
  await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k' })
  const body =
    '{ "model":"claude-opus-5-5",\n"max_tokens": 1e1, "messages": [{"role":"user","content":"\\u00fc ü"}] }'
  for (const each of [body, Buffer.from(body), new Blob([body]), new Blob([body]).stream()]) {
    const init = { ...question(), body: each, duplex: 'half' as const }
    await (await client.fetch(`${claude.url}/v1/messages`, init)).text()
    await (await client.fetch(new Request(`${claude.url}/v1/messages`, { ...question(), body }))).text()
  }
  expect(claude.requests).toHaveLength(8)
  for (const request of claude.requests) expect(Buffer.from(request.body).toString()).toBe(body)
})
