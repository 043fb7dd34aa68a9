import Anthropic from '@anthropic-ai/sdk'
import { resilient } from '@spillway/resilient'

const anthropic = new Anthropic({
  fetch: resilient(fetch, {
    timeouts: { firstContent: 20_000 },
    fallback: [{ provider: 'openrouter', credential: process.env.OPENROUTER_API_KEY }],
    onRetry: ({ failure, waitMs }) => console.log(`again in ${Math.round(waitMs)} ms: ${failure.message}`),
    onFallback: ({ to, failure }) => console.log(`asking ${to}: ${failure.message}`),
  }),
  maxRetries: 0,
})

const message = await anthropic.messages.create({
  model: 'claude-sonnet-5-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(message.content)
