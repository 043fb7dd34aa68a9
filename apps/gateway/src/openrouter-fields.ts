import { deriveRequest, fieldOf, type Middleware, withField } from '@spillway/middleware'
import type { OpenRouterConfig } from './config/config.ts'

/** Adds OpenRouter's own fields to requests; what the caller has set itself stays. */
export function openRouterFields(fields: OpenRouterConfig): Middleware {
  return (next) => (request) => {
    if (request.operation !== 'generate') return next(request)
    let { body } = request
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined && fieldOf(body, name) === undefined) body = withField(body, name, value)
    }
    return next(deriveRequest(request, { body }))
  }
}
