import type { Api, Operation } from '@spillway/middleware'

/** A model call as its path tells it. */
export interface RecognisedCall {
  readonly api: Api
  readonly operation: Operation
}

const calls: readonly (readonly [suffix: string, call: RecognisedCall])[] = [
  ['/messages', { api: 'anthropic', operation: 'generate' }],
  ['/messages/count_tokens', { api: 'anthropic', operation: 'count_tokens' }],
  ['/chat/completions', { api: 'openai', operation: 'generate' }],
]

/**
 * Tells a model call by method and path, whatever the base path before it: `POST …/messages`,
 * `POST …/messages/count_tokens`, `POST …/chat/completions`. Undefined for everything else an API may offer.
 */
export function recogniseCall(method: string, path: string): RecognisedCall | undefined {
  if (method !== 'POST') return undefined
  return calls.find(([suffix]) => path.endsWith(suffix))?.[1]
}

/** Where an operation lives below an endpoint's base URL. */
export function pathOf(call: RecognisedCall): string {
  if (call.api === 'openai') return '/v1/chat/completions'
  return call.operation === 'count_tokens' ? '/v1/messages/count_tokens' : '/v1/messages'
}

/**
 * An endpoint's base URL in the form that paths are appended to: without a trailing slash and without `/v1`,
 * which SDKs of one vendor include and those of the other do not.
 */
export function normaliseBaseUrl(url: string): string {
  return url.replace(/\/+$/, '').replace(/\/v1$/, '')
}

/** The query of a URL or path, with its `?`; empty when there is none. */
export function queryOf(url: string): string {
  const start = url.indexOf('?')
  if (start < 0) return ''
  const end = url.indexOf('#', start)
  return end < 0 ? url.slice(start) : url.slice(start, end)
}
