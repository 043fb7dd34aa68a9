import { deriveRequest, type Middleware, named, type Timeouts } from '@spillway/middleware'

/**
 * Sets the limits of every call that passes: those named here replace the ones set further out, the others stay.
 * `total` can only shorten an explicit deadline; it replaces the default of ten minutes.
 */
export function timeouts(set: { readonly [K in keyof Timeouts]?: Timeouts[K] | undefined }): Middleware {
  const limits: Partial<Timeouts> = Object.fromEntries(
    Object.entries(set).filter(([, value]) => value !== undefined),
  )
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined && !(value >= 0)) {
      throw new RangeError(`timeouts.${name} must be milliseconds, 0 or more, but is ${value}`)
    }
  }
  const limited: Middleware = (next) => (request) => {
    const merged: Timeouts = { ...request.timeouts, ...limits }
    if (limits.total === undefined) return next(deriveRequest(request, { timeouts: merged }))
    const deadline = request.clock.now() + limits.total
    const chosen = request.hasDefaultDeadline ? deadline : Math.min(request.deadline, deadline)
    return next(deriveRequest(request, { timeouts: merged, deadline: chosen }))
  }
  return named(limited, 'timeouts', { options: limits })
}
