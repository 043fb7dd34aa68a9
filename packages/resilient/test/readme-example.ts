import Anthropic from '@anthropic-ai/sdk'
import { resilient } from '@spillway/resilient'

const fallback = [{ provider: 'openrouter', credential: process.env.OPENROUTER_API_KEY }] as const
const anthropic = new Anthropic({ fetch: resilient(fetch, { fallback }), maxRetries: 0 })

const message = await anthropic.messages.create({
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Why do dams have spillways?' }],
})
console.log(message.content)
