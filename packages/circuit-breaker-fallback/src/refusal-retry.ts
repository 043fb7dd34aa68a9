import { deriveRequest, type ModelRequest } from '@spillway/middleware'
import { fieldOf, type JsonBody, type JsonObject, withField, withItemsAdded } from '@spillway/middleware/kit'
import { isObject } from './json-values.ts'

/** Grants a token for the credit with each refusal, and takes it back in the form that does not fail a retry. */
const creditBeta = 'fallback-credit-2026-07-01'

/** The same request under the beta of fallback credits, which a refused request and its retry must both have. */
export function withCreditBeta(request: ModelRequest): ModelRequest {
  const { 'anthropic-beta': betas = '' } = request.headers
  const names = betas.split(',').flatMap((name) => name.trim() || [])
  if (names.includes(creditBeta)) return request
  const headers = { ...request.headers, 'anthropic-beta': [...names, creditBeta].join(',') }
  return deriveRequest(request, { headers })
}

/** What a retry is sent with. */
export interface Retry {
  readonly model: string
  readonly token?: string | undefined
  /** The turn that the model is to continue; none where it answers from the beginning. */
  readonly continuation?: readonly JsonObject[] | undefined
}

/**
 * A refused request for another model. All that shapes the prompt stays as it was, byte for byte, since the credit is for this very prompt.
 */
export function retryRequest(refused: ModelRequest, { model, token, continuation }: Retry): ModelRequest {
  const request = deriveRequest(refused, { model })
  let { body } = request
  // The token's own failure is not to fail the retry: it is then served at the normal price.
  if (token !== undefined) body = withField(body, 'fallback_credit_token', { token, mode: 'best_effort' })
  // Not every model takes it, and there is no other thinking that it could mean.
  const thinking = fieldOf(body, 'thinking')
  if (isObject(thinking) && thinking.type === 'between_tools')
    body = withField(body, 'thinking', { type: 'disabled' })
  if (continuation !== undefined) body = withTurn(body, { role: 'assistant', content: continuation })
  return deriveRequest(request, { body })
}

/** The same for a model that has no fast mode, or no capacity in it. */
export function withoutSpeed(request: ModelRequest): ModelRequest | undefined {
  if (fieldOf(request.body, 'speed') !== 'fast') return undefined
  return deriveRequest(request, { body: withField(request.body, 'speed', 'standard') })
}

/** A body with one more message at its end. */
function withTurn(body: JsonBody, turn: JsonObject): JsonBody {
  const added = withItemsAdded(body, 'messages', [turn])
  if (added !== undefined) return added
  const { messages } = body.json
  return withField(body, 'messages', [...(Array.isArray(messages) ? messages : []), turn])
}
