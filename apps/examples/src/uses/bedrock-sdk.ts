import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import { sdkMiddleware } from '@spillway/attempt'
import { retry } from '@spillway/retry'
import { startBedrock } from '@spillway/testing'

await using bedrock = await startBedrock({ reply: { text: 'It carries water around a full dam.' } })
bedrock.next({ type: 'status', status: 503 })

// Each attempt is signed again, since a signature is good for five minutes.
const client = new AnthropicBedrock({
  awsRegion: 'us-east-1',
  apiKey: 'any',
  baseURL: bedrock.url,
  middleware: [sdkMiddleware(retry())],
  maxRetries: 0,
})
const message = await client.messages.create({
  model: 'us.anthropic.claude-opus-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'What does a spillway do?' }],
})
console.log(message.content)
console.log(`${bedrock.requests.length} attempts`)
