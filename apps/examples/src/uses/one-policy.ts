import { retry, wrapFetch } from '@spillway/retry'
import { startClaude } from '@spillway/testing'

await using claude = await startClaude({ reply: { text: 'It carries water around a full dam.' } })
claude.next({ type: 'status', status: 529 }, { type: 'reset' })

const patient = wrapFetch(
  fetch,
  retry({ onRetry: ({ retry, failure }) => console.log(`retry ${retry}: ${failure.kind}`) }),
)

const response = await patient(`${claude.url}/v1/messages`, {
  method: 'POST',
  headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
  body: JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 200,
    messages: [{ role: 'user', content: 'What does a spillway do?' }],
  }),
})
const { content } = (await response.json()) as { content: { text: string }[] }
console.log(response.status, content[0]?.text)
