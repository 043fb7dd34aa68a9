import Anthropic from '@anthropic-ai/sdk'
import { retry, timeouts, wrapFetch } from '@spillway/retry'
import { startClaude } from '@spillway/testing'

await using claude = await startClaude({ reply: { text: 'It carries water around a full dam.' } })
// The connection breaks before the stream has said anything: the SDK alone would end with an error.
claude.next({ type: 'cut', at: 'before-content', how: 'reset' })

const anthropic = new Anthropic({
  apiKey: 'any',
  baseURL: claude.url,
  fetch: wrapFetch(fetch, timeouts({ firstContent: 20_000 }), retry()),
  maxRetries: 0,
})
const stream = anthropic.messages.stream({
  model: 'claude-sonnet-5-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(await stream.finalText())
console.log(`${claude.requests.length} attempts`)
