import Anthropic from '@anthropic-ai/sdk'
import { fallback, timeouts, wrapFetch } from '@spillway/circuit-breaker-fallback'
import { localModel } from '@spillway/local-model'

const local = localModel({ modelPath: 'model.gguf' })
const anthropic = new Anthropic({
  fetch: wrapFetch(fetch, timeouts({ firstContent: 20_000 }), fallback([local])),
  maxRetries: 0,
})

const message = await anthropic.messages.create({
  model: 'claude-sonnet-5-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(message.content)
await local.close()
