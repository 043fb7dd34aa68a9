import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({
  baseURL: process.env.ANTHROPIC_BASE_URL ?? 'http://127.0.0.1:8787',
  apiKey: 'spillway',
  maxRetries: 0,
})

const { data, response } = await client.messages
  .create({
    model: 'claude-sonnet-5-5',
    max_tokens: 200,
    messages: [{ role: 'user', content: 'What does a spillway do?' }],
  })
  .withResponse()
const [block] = data.content
console.log(block?.type === 'text' && block.text)
console.log('served by', response.headers.get('x-spillway-served-by'))
