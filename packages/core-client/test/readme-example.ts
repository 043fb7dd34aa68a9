import { createClient } from '@spillway/core-client'

const client = createClient({
  provider: 'anthropic',
  credential: process.env.ANTHROPIC_API_KEY ?? '',
  baseUrl: process.env.ANTHROPIC_BASE_URL ?? 'https://api.anthropic.com',
})

const { text, usage } = await client.complete('Why do dams have spillways?')
console.log(text, usage?.outputTokens)

for await (const piece of client.stream('And in one sentence?')) console.log(piece)

await client.close()
