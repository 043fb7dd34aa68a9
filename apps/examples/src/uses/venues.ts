import Anthropic from '@anthropic-ai/sdk'
import { modelFetch } from '@spillway/attempt'
import { createClient } from '@spillway/core-client'
import { compose } from '@spillway/middleware'
import { retry } from '@spillway/retry'
import { balance } from '@spillway/routing'
import { startBedrock, startClaude, venueFaults } from '@spillway/testing'
import { bedrock } from '@spillway/venues'

await using anthropicServer = await startClaude({ reply: { text: 'It carries water around a full dam.' } })
await using bedrockServer = await startBedrock()
bedrockServer.always(venueFaults.bedrock.quotaExceeded)

// The same model at two places: each has its own names of models, form of requests and credential.
const direct = createClient({ provider: 'anthropic', baseUrl: anthropicServer.url, credential: 'any' })
const cloud = createClient({
  provider: bedrock({ region: 'us-east-1', url: bedrockServer.url }),
  credential: 'any',
})
const claude = compose(
  [retry({ onRetry: ({ failure }) => console.log(`the other place, since ${failure.message}`) })],
  balance([
    { name: 'bedrock', handler: cloud.handler, weight: 1_000 },
    { name: 'direct', handler: direct.handler },
  ]),
)

const anthropic = new Anthropic({
  apiKey: 'any',
  fetch: modelFetch(claude, { otherwise: fetch }),
  maxRetries: 0,
})
for (let call = 1; call <= 3; call++) {
  const { response } = await anthropic.messages
    .create({
      model: 'claude-opus-5',
      max_tokens: 200,
      messages: [{ role: 'user', content: 'What does a spillway do?' }],
    })
    .withResponse()
  console.log(`call ${call}: ${response.status}`)
}
console.log(`bedrock was asked ${bedrockServer.requests.length} times`)
await Promise.all([direct.close(), cloud.close()])
