import { retry, wrapFetch } from '@spillway/retry'
import { startOpenAi } from '@spillway/testing'
import OpenAI from 'openai'

await using server = await startOpenAi({ reply: { text: 'It carries water around a full dam.' } })
server.next({ type: 'status', status: 503 }, { type: 'status', status: 503 })

const openai = new OpenAI({
  apiKey: 'any',
  baseURL: `${server.url}/v1`,
  fetch: wrapFetch(fetch, retry()),
  maxRetries: 0,
})
const response = await openai.responses.create({ model: 'gpt-5.2', input: 'What does a spillway do?' })
console.log(response.output_text)
console.log(`${server.requests.length} attempts`)
