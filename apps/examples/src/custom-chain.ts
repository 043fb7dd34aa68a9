import { fallback, target } from '@spillway/circuit-breaker-fallback'
import { createClient } from '@spillway/core-client'
import { listen, type Middleware } from '@spillway/middleware'

// A middleware of your own: it sees the events of every call that passes.
const log: Middleware = (next) => (request) =>
  next(
    listen(request, (event) => {
      if (event.type === 'attempt.ended') {
        const { failure, usage, timings } = event.outcome
        console.log(event.target, failure?.kind ?? 'ok', Math.round(timings.end), 'ms', usage?.outputTokens)
      }
    }),
  )

const openrouter = createClient({
  provider: 'openrouter',
  credential: () => process.env.OPENROUTER_API_KEY ?? '',
})
const claude = createClient({
  provider: 'anthropic',
  credential: () => process.env.ANTHROPIC_API_KEY ?? '',
  timeouts: { firstContent: 20_000 },
  middleware: [log, fallback([target('openrouter', openrouter.handler)])],
})

for await (const text of claude.stream('What does a spillway do?')) process.stdout.write(text)
await Promise.all([claude.close(), openrouter.close()])
