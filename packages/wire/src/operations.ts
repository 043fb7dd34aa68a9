import type { Api } from '@spillway/middleware'
import type { Operation, Venue } from '@spillway/middleware/kit'

/** A model call as its path tells it. */
export interface RecognisedCall {
  readonly api: Api
  readonly operation: Operation
  /** Which cloud wraps the call; undefined for the first-party form. */
  readonly venue?: Venue | undefined
  /** The model, where the path holds it instead of the body. */
  readonly model?: string | undefined
  /** Whether a stream is asked for, where the path says so instead of the body. */
  readonly stream?: boolean | undefined
}

const calls: readonly (readonly [suffix: string, call: RecognisedCall])[] = [
  ['/messages', { api: 'anthropic', operation: 'generate' }],
  ['/messages/count_tokens', { api: 'anthropic', operation: 'count_tokens' }],
  ['/chat/completions', { api: 'openai', operation: 'generate' }],
  ['/responses', { api: 'responses', operation: 'generate' }],
  ['/responses/input_tokens', { api: 'responses', operation: 'count_tokens' }],
]

/**
 * `…/model/{id}/invoke` of the Bedrock runtime. Names of models may have slashes that were not encoded. Whether it is Claude that
 * is called, only the body tells: names of profiles are anything.
 */
const bedrockPath = /\/model\/(.+)\/(invoke|invoke-with-response-stream|count-tokens)$/

/** `…/publishers/anthropic/models/{id}:rawPredict`; other publishers' models speak other protocols. */
const vertexPath = /\/publishers\/anthropic\/models\/([^/:]+):(?:rawPredict|streamRawPredict)$/

/**
 * Tells a model call by method and path, whatever the base path before it: `POST …/messages`,
 * `POST …/messages/count_tokens`, `POST …/chat/completions`, `POST …/responses`, `POST …/responses/input_tokens`, and Claude on
 * Vertex AI (`…/publishers/anthropic/models/{id}:rawPredict` and `:streamRawPredict`) and Bedrock (`…/model/{id}/invoke`,
 * `/invoke-with-response-stream` and `/count-tokens`). Undefined for everything else an API may offer.
 */
export function recogniseCall(method: string, path: string): RecognisedCall | undefined {
  if (method !== 'POST') return undefined
  return calls.find(([suffix]) => path.endsWith(suffix))?.[1] ?? vertexCall(path) ?? bedrockCall(path)
}

function vertexCall(path: string): RecognisedCall | undefined {
  const model = decoded(vertexPath.exec(path)?.[1])
  if (model === undefined) return undefined
  // The count of tokens names its model in the body.
  if (model === 'count-tokens') return { api: 'anthropic', operation: 'count_tokens', venue: 'vertex' }
  return { api: 'anthropic', operation: 'generate', venue: 'vertex', model }
}

function bedrockCall(path: string): RecognisedCall | undefined {
  const [, id, action] = bedrockPath.exec(path) ?? []
  const model = decoded(id)
  if (model === undefined) return undefined
  const operation = action === 'count-tokens' ? 'count_tokens' : 'generate'
  const stream = action === 'invoke-with-response-stream'
  return { api: 'anthropic', operation, venue: 'bedrock', model, stream }
}

function decoded(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** Where an operation lives below an endpoint's base URL, in the protocol's first-party form. */
export function pathOf({ api, operation }: RecognisedCall): string {
  if (api === 'openai') return '/v1/chat/completions'
  if (api === 'responses')
    return operation === 'count_tokens' ? '/v1/responses/input_tokens' : '/v1/responses'
  return operation === 'count_tokens' ? '/v1/messages/count_tokens' : '/v1/messages'
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
