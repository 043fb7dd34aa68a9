import type { ModelResponse } from '@spillway/middleware'
import type { ResponseHeaders } from '@spillway/middleware/kit'
import { header } from '@spillway/wire/internal'
import { type Loss, mergeLosses } from './protocols/loss.ts'

/** Where the caller reads what got lost: words of `Loss`, in the order of the alphabet. */
export const degradedHeader = 'x-spillway-degraded'

/** Headers with these losses beside those that they name already. */
export function withLosses(headers: ResponseHeaders, losses: readonly Loss[]): ResponseHeaders {
  if (losses.length === 0) return headers
  const earlier = (header(headers, degradedHeader) ?? '').split(', ').filter(Boolean) as Loss[]
  return { ...headers, [degradedHeader]: mergeLosses(earlier, losses).join(', ') }
}

/** A response that names these losses, unless it is a failure, which owes nothing to them. */
export function degradedResponse(response: ModelResponse, losses: readonly Loss[]): ModelResponse {
  if (losses.length === 0 || response.failure !== undefined) return response
  return { ...response, headers: withLosses(response.headers, losses) }
}
