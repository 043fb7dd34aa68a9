import { compose, createRequest, type Middleware } from '@spillway/middleware'
import { type JsonObject, jsonBodyFromBytes } from '@spillway/middleware/kit'
import { failureResponse, malformedFailure } from '@spillway/wire'
import { expect, it } from 'vitest'
import { fit, translate } from './index.ts'

/** The text that the target gets. */
async function sent(api: 'anthropic' | 'openai', text: string, middleware: Middleware): Promise<string> {
  let got = ''
  const body = jsonBodyFromBytes(Buffer.from(text))
  const { model } = JSON.parse(text) as JsonObject
  const request = createRequest({ api, model: String(model), stream: false, url: '/v1/messages', body })
  await compose([middleware], async (each) => {
    got = Buffer.from(each.body.bytes).toString()
    return failureResponse(each, malformedFailure('no matter'))
  })(request)
  return got
}

const messages = '"messages":[{"role":"user","content":"hi"}]'

it('translation carries the numbers at the top as they were written', async () => {
  const chat = `{"model":"claude-haiku-4-5",${messages},"max_completion_tokens":100.0,"temperature":1.0,"top_k":4e1}`
  const toClaude = await sent('openai', chat, translate({ to: 'anthropic' }))
  expect(toClaude).toMatch(/"max_tokens":100\.0,.*"temperature":1\.0,.*"top_k":4e1/)
  const asked = `{"model":"m",${messages},"max_tokens":100.0,"temperature":0.70,"top_p":1.0}`
  const toChat = await sent('anthropic', asked, translate({ to: 'openai' }))
  expect(toChat).toMatch(/"max_completion_tokens":100\.0,.*"temperature":0\.70,"top_p":1\.0/)
  // A value of our own has none of the caller's text.
  const hot = chat.replace('"temperature":1.0', '"temperature":1.50')
  expect(await sent('openai', hot, translate({ to: 'anthropic' }))).toContain('"temperature":1,')
})

it('fit changes no other byte than those of what the model does not take', async () => {
  const before = `{ "model":"claude-opus-5-5", "metadata":{"user_id":"u","10":1.0,"2":1849302847561029384},"max_tokens": 1e9,${messages.replace('"hi"', '"h\\u0069"')},"temperature":0.70 , "seed" : 1e400}`
  const after = before.replace('1e9', '128000').replace(',"temperature":0.70', '')
  expect(await sent('anthropic', before, fit())).toBe(after)
})
