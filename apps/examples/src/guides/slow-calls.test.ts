import { attempt, fetchTransport, modelFetch } from '@spillway/attempt'
import { compose, type Middleware } from '@spillway/middleware'
import { startClaude, virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { slowCalls } from './slow-calls.ts'

it('reports a call that took longer than it should', async () => {
  const claude = await startClaude()
  const clock = virtualClock()
  const lines: string[] = []
  const delay: Middleware = (next) => async (request) => {
    await clock.advance(3_000)
    return next(request)
  }
  const handler = compose(
    [slowCalls(2_000, (line) => lines.push(line)), delay],
    attempt(fetchTransport(fetch)),
  )
  const ask = modelFetch(handler, { clock, otherwise: fetch })

  const response = await ask(`${claude.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-sonnet-5-5',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hello?' }],
    }),
  })
  await response.text()

  expect(lines).toEqual(['claude-sonnet-5-5: ok after 3000 ms'])
  await claude.close()
})
