import { afterEach, describe, expect, it } from 'vitest'
import { messagesBody, raw } from '../test/raw-client.ts'
import { defaultText, type OllamaOptions, type SimulatedServer, startOllama } from './index.ts'

let ollama: SimulatedServer
afterEach(() => ollama.close())
const start = async (options?: OllamaOptions): Promise<void> => {
  ollama = await startOllama(options)
}
const ask = async (
  path: string,
  body?: unknown,
): Promise<{ status: number | undefined; json: never; text: string }> => {
  const { status, text } = await raw(ollama.url + path, { body })
  return {
    status,
    text,
    json: (/^[{[]/.test(text) ? JSON.parse(text.split('\n')[0] ?? '') : undefined) as never,
  }
}
const chat = { model: 'llama3.2', messages: [{ role: 'user', content: 'Hello' }] }

describe('the simulated Ollama', () => {
  it('says what it is, and which models it has and has loaded', async () => {
    await start({ models: ['llama3.2', 'qwen3:8b'] })
    expect((await ask('/')).text).toBe('Ollama is running')
    expect((await ask('/api/version')).json).toEqual({ version: '0.33.0' })
    const tags = { models: [{ name: 'llama3.2:latest' }, { name: 'qwen3:8b' }] }
    expect((await ask('/api/tags')).json).toMatchObject(tags)
    expect((await ask('/api/ps')).json).toEqual({ models: [] })
    await ask('/api/chat', { model: 'qwen3:8b' })
    expect((await ask('/api/ps')).json).toMatchObject({ models: [{ name: 'qwen3:8b' }] })
    expect((await ask('/v1/models')).json).toMatchObject({
      data: [{ id: 'llama3.2:latest' }, { id: 'qwen3:8b' }],
    })
  })

  it('streams lines by default, and answers whole when told to', async () => {
    const toolUse = [{ name: 'open_gate', input: { gate: 3 } }]
    await start({ reply: { thinking: 'Hm.', text: 'Ready. Steady.', toolUse, usage: { inputTokens: 5 } } })
    const { text } = await ask('/api/chat', chat)
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map((line) => line.message)).toEqual([
      { role: 'assistant', content: '', thinking: 'Hm.' },
      { role: 'assistant', content: 'Ready. ' },
      { role: 'assistant', content: 'Steady.' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ function: { name: 'open_gate', arguments: { gate: 3 } } }],
      },
      { role: 'assistant', content: '' },
    ])
    expect(lines.map((line) => line.done)).toEqual([false, false, false, false, true])
    expect(lines.at(-1)).toMatchObject({ done_reason: 'stop', prompt_eval_count: 5 })
    const { json } = await ask('/api/chat', { ...chat, stream: false })
    expect(json).toMatchObject({ message: { content: 'Ready. Steady.', thinking: 'Hm.' }, done: true })
  })

  it('does not know models that were not pulled', async () => {
    await start()
    const message = 'model "nobody" not found, try pulling it first'
    const native = await ask('/api/chat', { ...chat, model: 'nobody' })
    expect(native).toMatchObject({ status: 404, json: { error: message } })
    const openai = await ask('/v1/chat/completions', { ...chat, model: 'nobody' })
    expect(openai).toMatchObject({ status: 404, json: { error: { message } } })
    const anthropic = await ask('/v1/messages', { ...messagesBody, model: 'nobody' })
    expect(anthropic).toMatchObject({ status: 404, json: { error: { type: 'not_found_error', message } } })
    expect((await ask('/v1/chat/completions', chat)).text).toContain(defaultText)
  })

  it('has no Messages endpoint when it is old, and never counts tokens', async () => {
    await start({ anthropic: false })
    const body = { ...messagesBody, model: 'llama3.2' }
    expect(await ask('/v1/messages', body)).toMatchObject({ status: 404, text: '404 page not found' })
    expect(await ask('/v1/messages/count_tokens', body)).toMatchObject({ status: 404 })
    expect((await ask('/api/version')).json).toEqual({ version: '0.13.5' })
  })

  it('wants tokens to generate for the Messages endpoint', async () => {
    await start()
    const body = { ...messagesBody, model: 'llama3.2', max_tokens: 0 }
    expect(await ask('/v1/messages', body)).toMatchObject({ status: 400 })
  })

  it('sends nothing while its model loads, and loads it once for all', { retry: 2 }, async () => {
    await start({ coldLoadMs: 300 })
    const begun = performance.now()
    await Promise.all([ask('/v1/chat/completions', chat), ask('/v1/chat/completions', chat)])
    expect(performance.now() - begun).toBeGreaterThanOrEqual(295)
    const warm = performance.now()
    await ask('/v1/chat/completions', chat)
    expect(performance.now() - warm).toBeLessThan(200)
  })

  it('begins to load again when the only client that waited for it has left', async () => {
    await start({ coldLoadMs: 1_000 })
    const leaving = new AbortController()
    const left = fetch(`${ollama.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(chat),
      signal: leaving.signal,
    }).catch(() => {})
    await ollama.nextRequest()
    await new Promise((resolve) => setTimeout(resolve, 100))
    leaving.abort()
    await left
    await ollama.requests[0]?.closedByPeer
    const begun = performance.now()
    await ask('/v1/chat/completions', chat)
    expect(performance.now() - begun).toBeGreaterThanOrEqual(995)
  })
})
