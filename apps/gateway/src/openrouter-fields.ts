import { deriveRequest, type Middleware, named } from '@spillway/middleware'
import { fieldOf, withField } from '@spillway/middleware/kit'
import type { OpenRouterConfig } from './config/config.ts'

/** Adds OpenRouter's own fields to requests; what the caller has set itself stays. */
export function openRouterFields(fields: OpenRouterConfig): Middleware {
  const adding: Middleware = (next) => (request) => {
    if (request.operation !== 'generate') return next(request)
    let { body } = request
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined && fieldOf(body, name) === undefined) body = withField(body, name, value)
    }
    return next(deriveRequest(request, { body }))
  }
  return named(adding, 'openrouter fields')
}
