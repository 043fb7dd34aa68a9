import { resilient } from '@spillway/resilient'

const patient = resilient(fetch)

const response = await patient('https://api.anthropic.com/v1/messages', {
  method: 'POST',
  headers: {
    'x-api-key': process.env.ANTHROPIC_API_KEY ?? '',
    'anthropic-version': '2023-06-01',
    'content-type': 'application/json',
  },
  body: JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 200,
    messages: [{ role: 'user', content: 'What does a spillway do?' }],
  }),
})
const { content } = (await response.json()) as { content: { text: string }[] }
console.log(content[0]?.text)
