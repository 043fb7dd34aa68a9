import { type Middleware, named } from '@spillway/middleware'
import { isVendorLimit, omitHeaders } from '@spillway/wire/internal'

/**
 * Removes the vendor's limit headers from responses: they describe the key, and callers that share one would take it for
 * their own quota. `retry-after` stays. Put it outside of `rateLimit`, which reads these headers.
 */
export function hideVendorLimits(): Middleware {
  const hiding: Middleware = (next) => async (request) => {
    const response = await next(request)
    const headers = omitHeaders(response.headers, isVendorLimit)
    return headers === response.headers ? response : { ...response, headers }
  }
  return named(hiding, 'hide vendor limits')
}
