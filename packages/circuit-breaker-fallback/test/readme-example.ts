import { circuitBreaker, fallback, target, wrapFetch } from '@spillway/circuit-breaker-fallback'
import { createClient } from '@spillway/core-client'

const ollama = createClient({ provider: 'ollama', credential: null, timeouts: { headers: 60_000 } })
export const fetchWithPlanB = wrapFetch(
  fetch,
  fallback([target('local', ollama.handler, { model: 'qwen3:8b' })], { reserve: 20_000 }),
  circuitBreaker(),
)
