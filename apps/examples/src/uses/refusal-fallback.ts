import Anthropic from '@anthropic-ai/sdk'
import { refusalFallback, wrapFetch } from '@spillway/circuit-breaker-fallback'
import { startClaude } from '@spillway/testing'

await using claude = await startClaude({
  fallbackModels: { 'claude-fable-5': ['claude-opus-4-8'] },
  reply: ({ json }) =>
    (json as { model: string }).model === 'claude-fable-5'
      ? { refusal: { category: 'cyber' } }
      : { text: 'It carries water around a full dam.' },
})

const anthropic = new Anthropic({
  apiKey: 'any',
  baseURL: claude.url,
  fetch: wrapFetch(fetch, refusalFallback({ models: ['claude-opus-4-8'] })),
  maxRetries: 0,
})
const message = await anthropic.messages.create({
  model: 'claude-fable-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(message.stop_reason, message.model)
console.log(message.content)
