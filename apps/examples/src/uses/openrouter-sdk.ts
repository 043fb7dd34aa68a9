import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import type { ChatResult } from '@openrouter/sdk/models'
import { retry, wrapFetch } from '@spillway/retry'
import { startOpenRouter } from '@spillway/testing'

await using server = await startOpenRouter({ reply: { text: 'It carries water around a full dam.' } })
server.next({ type: 'status', status: 503 })

const openrouter = new OpenRouter({
  apiKey: 'any',
  serverURL: `${server.url}/api/v1`,
  httpClient: new HTTPClient({ fetcher: wrapFetch(fetch, retry()) }),
  retryConfig: { strategy: 'none' },
})
const completion = (await openrouter.chat.send({
  chatRequest: {
    stream: false,
    model: 'anthropic/claude-sonnet-5.5',
    messages: [{ role: 'user', content: 'What does a spillway do?' }],
  },
})) as ChatResult
console.log(completion.choices[0]?.message.content)
console.log(`${server.requests.length} attempts`)
