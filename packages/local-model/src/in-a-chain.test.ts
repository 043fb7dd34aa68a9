import { attempt, wrapFetch } from '@spillway/attempt'
import { readBody } from '@spillway/middleware/kit'
import { afterAll, describe, expect, it } from 'vitest'
import { requestOf } from '../test/call-transport.ts'
import { modelFolder } from '../test/model-file.ts'
import { embeddedTransport } from './embedded-transport.ts'
import { openEngine } from './engine.ts'

const engine = openEngine({ modelPath: modelFolder()('chain.gguf', {}), contextSize: 512 })
const handler = attempt(embeddedTransport(engine))
afterAll(() => engine.close())

const question = {
  model: 'claude-opus-5-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello?' }],
}

describe('as a target', () => {
  it.each([true, false])('its outcome is success with exact usage (stream: %s)', async (stream) => {
    const response = await handler(requestOf('anthropic', { ...question, stream }))
    expect(response).toMatchObject({ status: 200, failure: undefined })
    await readBody(response.body)
    expect(await response.outcome).toMatchObject({
      failure: undefined,
      stopReason: 'end_turn',
      model: 'chain',
      usage: { outputTokens: 14, estimated: false },
    })
  })

  it('a prompt that does not fit is a failed attempt that says so', async () => {
    const long = { ...question, stream: true, system: 'x'.repeat(2000) }
    const { status, failure } = await handler(requestOf('anthropic', long))
    expect(status).toBe(400)
    expect(failure).toMatchObject({ retryable: false, message: expect.stringContaining('too long') })
  })

  it('answers for a fetch that fails', async () => {
    const down = (): Promise<Response> => Promise.reject(new TypeError('fetch failed'))
    const fetch = wrapFetch(down, () => handler)
    const body = JSON.stringify(question)
    const response = await fetch('https://api.anthropic.com/v1/messages', { method: 'POST', body })
    expect(await response.json()).toMatchObject({ model: 'chain', stop_reason: 'end_turn' })
  })
})
