import Anthropic from '@anthropic-ai/sdk'
import type { SpillwayEvent } from '@spillway/middleware'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { resilient } from '../src/index.ts'

// Apart from the tests beside the code: a broken listener is told of once a process.

it('hears retries, fallbacks and everything, and harms no call by throwing, rejecting or never answering', async () => {
  await using claude = await startClaude()
  claude.next({ type: 'status', status: 529 })
  const heard: string[] = []
  const note = (event: SpillwayEvent): void => void heard.push(event.type)
  const broken = resilient(fetch, {
    onRetry(event) {
      note(event)
      throw new Error('broken')
    },
    onEvent(event) {
      note(event)
      return event.type === 'attempt.started' ? new Promise(() => {}) : Promise.reject(new Error('broken'))
    },
    retry: { attempts: 2, baseDelay: 1, onRetry: ({ waitMs }) => void heard.push(`waits ${waitMs <= 1}`) },
  })
  const anthropic = new Anthropic({ baseURL: claude.url, apiKey: 'sk-ant-1', maxRetries: 0, fetch: broken })
  const message = await anthropic.messages.create({
    ...{ model: 'claude-sonnet-5-5', max_tokens: 50 },
    messages: [{ role: 'user', content: 'Hello?' }],
  })
  expect(message.stop_reason).toBe('end_turn')
  expect(heard.filter((each) => each !== 'attempt.ended')).toEqual([
    ...['attempt.started', 'attempt.committed', 'retry.scheduled', 'retry.scheduled', 'waits true'],
    ...['attempt.started', 'attempt.committed'],
  ])
})
