import type { Middleware } from './handler.ts'
import { deriveRequest } from './request.ts'

/** Sends every call to this model, whatever model is asked for: in the request's label, and in the bytes of its body. */
export function useModel(model: string): Middleware {
  return (next) => (request) => next(deriveRequest(request, { model }))
}
