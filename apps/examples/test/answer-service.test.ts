import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fallback, wrapFetch } from '@spillway/circuit-breaker-fallback'
import { listen, type Middleware } from '@spillway/middleware'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { answerService } from '../src/guides/answer-service.ts'

it('answers from the service while Claude is down, and tells why it could not', async () => {
  let status = 200
  const service = createServer((_, response) => response.writeHead(status).end('We are back at 10:00.'))
  await once(service.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  const claude = await startClaude()
  claude.always({ type: 'status', status: 529 })
  const attempts: string[] = []
  const heard: Middleware = (next) => (request) =>
    next(
      listen(request, (event) => {
        if (event.type === 'attempt.ended')
          attempts.push(`${event.target}: ${event.outcome.failure?.message ?? 'ok'}`)
      }),
    )
  const ask = wrapFetch(fetch, heard, fallback([answerService(url)]))
  const call = {
    method: 'POST',
    headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-sonnet-5-5',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hello?' }],
    }),
  }

  const rescued = await ask(`${claude.url}/v1/messages`, call)
  expect(await rescued.json()).toMatchObject({ content: [{ text: 'We are back at 10:00.' }] })
  status = 503
  // All have failed: the answer is the first target's.
  expect((await ask(`${claude.url}/v1/messages`, call)).status).toBe(529)

  expect(attempts.filter((line) => line.startsWith('answers'))).toEqual([
    'answers: ok',
    'answers: We are back at 10:00.',
  ])
  service.close()
  await claude.close()
})
