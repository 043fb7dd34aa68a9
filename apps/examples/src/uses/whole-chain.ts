import Anthropic from '@anthropic-ai/sdk'
import { describe } from '@spillway/middleware'
import { resilient } from '@spillway/resilient'
import { startClaude, startOllama } from '@spillway/testing'

await using claude = await startClaude()
await using ollama = await startOllama({ reply: { text: 'It carries water around a full dam.' } })
claude.always({ type: 'status', status: 529 })

const fetchWithPolicies = resilient(fetch, {
  timeouts: { firstContent: 20_000 },
  rateLimit: { requestsPerMinute: 600, concurrency: 50 },
  fallback: [{ provider: 'ollama', baseUrl: ollama.url, model: 'llama3.2' }],
  onFallback: ({ to, failure }) => console.log(`asking ${to}: ${failure.message}`),
})
console.log(describe(fetchWithPolicies))

const anthropic = new Anthropic({
  apiKey: 'any',
  baseURL: claude.url,
  fetch: fetchWithPolicies,
  maxRetries: 0,
})
const message = await anthropic.messages.create({
  model: 'claude-sonnet-5-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(message.content)
