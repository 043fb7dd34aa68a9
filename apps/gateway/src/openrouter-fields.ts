import { deriveRequest, jsonBodyFromObject, type Middleware } from '@spillway/middleware'
import type { OpenRouterConfig } from './config/config.ts'

/** Adds OpenRouter's own fields to requests; what the caller has set itself stays. */
export function openRouterFields(fields: OpenRouterConfig): Middleware {
  return (next) => (request) => {
    if (request.operation !== 'generate') return next(request)
    const json = { ...fields, ...request.body.json }
    return next(deriveRequest(request, { body: jsonBodyFromObject(json) }))
  }
}
