import { createClient } from '@spillway/core-client'
import { awsCredential, bedrock, firstPartyName } from '@spillway/venues'

const region = 'us-east-1'
export const claude = createClient({
  provider: bedrock({ region, url: process.env.BEDROCK_URL }), // the region's own address where none is set
  credential: awsCredential({ service: 'bedrock', region }),
})
// Its `fetch` is one for `@anthropic-ai/sdk`; its `handler` is a target of `fallback`, or an endpoint of `balance`.

console.log(firstPartyName('us.anthropic.claude-sonnet-4-5-20250929-v1:0')) // claude-sonnet-4-5-20250929
