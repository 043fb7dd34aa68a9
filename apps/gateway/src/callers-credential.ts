import { type Middleware, named } from '@spillway/middleware'
import { refuse } from '@spillway/wire'
// Brings in the context's `callersCloud`.
import type {} from './caller.ts'
import { isSigned } from './server/tenant.ts'

/** Those of endpoints that say who is asked. */
export interface AskedEndpoint {
  readonly api: string
  readonly url: string
}

const clouds = { bedrock: 'Amazon Bedrock', vertex: 'Vertex AI', cloud: 'its cloud' } as const

/**
 * Keeps what a caller presents to one cloud from an endpoint that is asked with callers' own credentials and is none of that cloud's.
 * Signatures are for one request, so that none can be passed on.
 */
export function ofThisVenueAlone(endpoint: AskedEndpoint): Middleware {
  const keeping: Middleware = (next) => (request) => {
    const { callersCloud } = request.context
    const signed = isSigned(request.headers.authorization)
    if (!signed && (callersCloud === undefined || (callersCloud === 'cloud' && mayBeAtCloud(endpoint))))
      return next(request)
    const what = signed
      ? 'a signature, which cannot be passed on'
      : `a credential for ${clouds[callersCloud ?? 'cloud']} alone`
    const message = `the endpoint has credential: caller, and the caller presents ${what}: give the endpoint its own credential`
    return Promise.resolve(refuse(request, { kind: 'authentication', message }))
  }
  return named(keeping, 'credentials of this venue', { hidden: true })
}

/** An endpoint in the first-party form may be one of Mantle's or Foundry's, unless it is known to be another. */
function mayBeAtCloud({ api, url }: AskedEndpoint): boolean {
  if (api === 'anthropic') return !/^https?:\/\/api\.anthropic\.com(?:[/:]|$)/i.test(url)
  return api === 'foundry' || api === 'bedrock-mantle'
}
