import { wrapFetch } from '@spillway/attempt'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { maxPrompt } from '../src/guides/max-prompt.ts'

it('refuses a long prompt in the protocol of the caller and sends nothing', async () => {
  const claude = await startClaude()
  const limited = wrapFetch(fetch, maxPrompt(50))
  const ask = (content: string) =>
    limited(`${claude.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({
        model: 'claude-sonnet-5-5',
        max_tokens: 100,
        messages: [{ role: 'user', content }],
      }),
    })

  const long = await ask('word '.repeat(500))
  expect(long.status).toBe(413)
  expect(await long.json()).toMatchObject({ error: { type: 'request_too_large' } })
  expect(claude.requests).toHaveLength(0)

  expect((await ask('Hello?')).status).toBe(200)
  await claude.close()
})
