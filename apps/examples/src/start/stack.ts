import { circuitBreaker, fallback, target } from '@spillway/circuit-breaker-fallback'
import { createClient } from '@spillway/core-client'
import { describe, type Middleware } from '@spillway/middleware'
import { rateLimit } from '@spillway/rate-limit'
import { retry } from '@spillway/retry'

// Your own: what it does before and after a call, and which calls it makes, is up to you.
const timed: Middleware = (next) => async (request) => {
  const response = await next(request)
  response.outcome.then(({ usage }) => console.log(`${response.target}: ${usage?.outputTokens} tokens`))
  return response
}

const openrouter = createClient({
  provider: 'openrouter',
  credential: () => process.env.OPENROUTER_API_KEY ?? '',
})
const claude = createClient({
  provider: 'anthropic',
  credential: () => process.env.ANTHROPIC_API_KEY ?? '',
  middleware: [
    timed,
    fallback([target('openrouter', openrouter.handler)]),
    retry(),
    circuitBreaker(),
    rateLimit({ requestsPerMinute: 600, concurrency: 50 }),
  ],
})

console.log(describe(claude.handler))
const { text } = await claude.complete('What does a spillway do?')
console.log(text)
await Promise.all([claude.close(), openrouter.close()])
