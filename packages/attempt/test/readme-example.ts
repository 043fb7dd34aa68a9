import { timeouts, wrapFetch } from '@spillway/attempt'

const patient = wrapFetch(fetch, timeouts({ firstContent: 20_000 }))
const response = await patient('https://api.anthropic.com/v1/messages', {
  method: 'POST',
  headers: {
    'x-api-key': 'sk-ant-...',
    'anthropic-version': '2023-06-01',
    'content-type': 'application/json',
  },
  body: JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 100,
    stream: true,
    messages: [{ role: 'user', content: 'Hello?' }],
  }),
})
console.log(response.status)
