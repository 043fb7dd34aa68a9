import Anthropic from '@anthropic-ai/sdk'
import { fallback, wrapFetch } from '@spillway/circuit-breaker-fallback'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { cannedTarget } from './canned-target.ts'

const question = {
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Hello?' }],
}

it('answers whole and in a stream while Claude is down', async () => {
  const claude = await startClaude()
  claude.always({ type: 'status', status: 529 })
  const anthropic = new Anthropic({
    baseURL: claude.url,
    apiKey: 'any',
    maxRetries: 0,
    fetch: wrapFetch(fetch, fallback([cannedTarget('We are back at 10:00.')])),
  })

  const whole = await anthropic.messages.create(question)
  expect(whole.content).toMatchObject([{ type: 'text', text: 'We are back at 10:00.' }])
  expect(await anthropic.messages.stream(question).finalText()).toBe('We are back at 10:00.')
  await claude.close()
})
