import { sdkMiddleware, wrapFetch } from '@spillway/attempt'
import { createClient } from '@spillway/core-client'
import { retry } from '@spillway/retry'
import { ask, officialClients } from './official-clients.ts'

/** A program in a company's network: it knows nothing of the proxy, and its environment does. */
const answers: [name: string, text: string][] = []
for (const { name, make, host, model } of officialClients) {
  const url = `https://${host}`
  const inside = make(url, { maxRetries: 0, middleware: [sdkMiddleware(retry())] })
  answers.push([`${name} with sdkMiddleware`, await ask(inside, false, model)])
  const around = make(url, { maxRetries: 0, fetch: wrapFetch(fetch, retry()) })
  answers.push([`${name} with wrapFetch`, await ask(around, true, model)])
}
await using client = createClient({
  provider: 'anthropic',
  credential: 'k',
  baseUrl: 'https://claude.example',
})
answers.push(['createClient', (await client.complete('Hi')).text])
console.log(JSON.stringify(answers))
