import Anthropic from '@anthropic-ai/sdk'
import { resilient } from '@spillway/resilient'
import { startClaude } from '@spillway/testing'

await using claude = await startClaude({ reply: { text: 'It carries water around a full dam.' } })
claude.next({ type: 'status', status: 529 }, { type: 'reset' })

const anthropic = new Anthropic({
  apiKey: 'any',
  baseURL: claude.url,
  fetch: resilient(fetch, { onRetry: ({ failure }) => console.log(`again: ${failure.kind}`) }),
  maxRetries: 0,
})

const message = await anthropic.messages.create({
  model: 'claude-sonnet-5-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(message.content)
console.log(`${claude.requests.length} attempts`)
