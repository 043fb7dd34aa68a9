import type { Middleware } from '@spillway/middleware'
import { isVendorLimit, withoutHeaders } from '@spillway/wire'

/**
 * Leaves out of responses what the vendor says of its limits: it concerns the key, and where callers share one they would
 * take it for their own. `retry-after` stays. Stands outside of `rateLimit`, which reads these headers.
 */
export function hideVendorLimits(): Middleware {
  return (next) => async (request) => {
    const response = await next(request)
    const headers = withoutHeaders(response.headers, isVendorLimit)
    return headers === response.headers ? response : { ...response, headers }
  }
}
