import { createClient } from '@spillway/core-client'
import type { Middleware } from '@spillway/middleware'
import { startClaude } from '@spillway/testing'

await using claude = await startClaude({ reply: { text: 'It carries water around a full dam.' } })
claude.next({ type: 'status', status: 401 })

/** Tells of calls whose key was refused. */
const keyAlarm =
  (tell: (model: string) => void): Middleware =>
  (next) =>
  async (request) => {
    const response = await next(request)
    // A failure is a response too. What fails later, within a stream, is in `await response.outcome`.
    if (response.failure?.kind === 'authentication') tell(request.model)
    return response
  }

const client = createClient({
  provider: 'anthropic',
  baseUrl: claude.url,
  credential: 'sk-ant-revoked',
  middleware: [keyAlarm((model) => console.log(`the key was refused in a call to ${model}`))],
})
await client.complete('Hello?').catch(({ message }) => console.log(message))
await client.close()
