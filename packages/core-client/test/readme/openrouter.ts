import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import { createClient, openrouterOptions } from '@spillway/core-client'

const client = createClient({
  provider: 'openrouter',
  credential: process.env.OPENROUTER_API_KEY ?? '',
  app: { url: 'https://example.com', title: 'Example' },
})
export const openrouter = new OpenRouter({ ...openrouterOptions(client, HTTPClient) })
