import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import type { ChatResult } from '@openrouter/sdk/models'
import { resilient } from '@spillway/resilient'

const openrouter = new OpenRouter({
  apiKey: process.env.OPENROUTER_API_KEY,
  httpClient: new HTTPClient({ fetcher: resilient(fetch) }),
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
