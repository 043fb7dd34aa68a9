import type { Middleware } from './handler.ts'
import { named } from './naming.ts'
import { deriveRequest } from './request.ts'

/** Sends every call to this model, whatever model is asked for: in the request's label, and in the bytes of its body. */
export function useModel(model: string): Middleware {
  const pinned: Middleware = (next) => (request) => next(deriveRequest(request, { model }))
  return named(pinned, 'model', { options: { model } })
}
