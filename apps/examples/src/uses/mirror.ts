import Anthropic from '@anthropic-ai/sdk'
import { attempt, createMirror, fetchTransport, target, wrapFetch } from '@spillway/mirror'
import { startClaude } from '@spillway/testing'

await using claude = await startClaude({
  reply: ({ json }) =>
    (json as { model: string }).model === 'claude-haiku-5-5'
      ? { text: 'It carries water past a full dam.' }
      : { text: 'It carries water around a full dam.' },
})

const compared = Promise.withResolvers<void>()
const mirror = createMirror({
  to: target('haiku', attempt(fetchTransport(fetch, { callerCredential: true })), {
    model: 'claude-haiku-5-5',
  }),
  sample: 1,
  onComparison({ primary, candidate, textSimilarity }) {
    console.log(`${primary.model} and ${candidate.model}: similarity ${textSimilarity?.toFixed(2)}`)
    compared.resolve()
  },
})
const anthropic = new Anthropic({
  apiKey: 'any',
  baseURL: claude.url,
  fetch: wrapFetch(fetch, mirror.middleware),
  maxRetries: 0,
})
const message = await anthropic.messages.create({
  model: 'claude-sonnet-5-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(message.content)
await compared.promise
await mirror.close()
