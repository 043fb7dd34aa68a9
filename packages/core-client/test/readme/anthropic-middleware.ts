import Anthropic from '@anthropic-ai/sdk'
import { anthropicMiddleware, createClient } from '@spillway/core-client'

const client = createClient({ provider: 'anthropic' }) // without a credential: the SDK's own goes out
export const anthropic = new Anthropic({
  apiKey: process.env.ANTHROPIC_API_KEY ?? '',
  baseURL: client.baseUrl,
  maxRetries: 0,
  middleware: [anthropicMiddleware(client)],
})
