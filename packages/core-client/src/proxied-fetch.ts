import type { Fetch } from '@spillway/attempt'
import { ConnectionPool, type PoolOptions, poolSettings } from './connection-pool.ts'
import { plainFetch } from './plain-fetch.ts'

/**
 * A `fetch` for requests that are no calls of a model, over connections as a client has them: through the proxy that the
 * environment names, or `options.proxy`, and with `options.tls`. Idle connections keep no process alive.
 * @throws TypeError for a proxy that is none; RangeError for options out of range
 */
export function proxiedFetch(options?: PoolOptions): Fetch {
  const pool = new ConnectionPool(poolSettings(options))
  // It has no credential, so the origin is that of no endpoint.
  const at = {
    baseUrl: 'http://localhost',
    credential: undefined,
    scheme: 'bearer',
    api: 'anthropic',
  } as const
  return plainFetch({ pool, ...at })
}
