import type { Fetch } from '@spillway/attempt'
import { normaliseBaseUrl } from '@spillway/wire'
import type { Client } from './client.ts'

/** A placeholder where an SDK requires a key; the client replaces it before anything is sent. */
const placeholder = 'replaced-by-spillway'

function keyOption(client: Client): { apiKey?: string } {
  return client.hasCredential ? { apiKey: placeholder } : {}
}

/**
 * Options that put `@anthropic-ai/sdk` onto a client: `new Anthropic({ ...anthropicOptions(client) })`. Retries
 * are the client's business, so the SDK's own are off.
 */
export function anthropicOptions(client: Client): {
  apiKey?: string
  baseURL: string
  fetch: Fetch
  maxRetries: 0
} {
  return {
    ...keyOption(client),
    baseURL: normaliseBaseUrl(client.baseUrl),
    fetch: client.fetch,
    maxRetries: 0,
  }
}

/** A request as `@anthropic-ai/sdk` hands it to its middleware. */
export interface AnthropicSdkRequest extends RequestInit {
  url: string
}

/**
 * A client as a middleware of `@anthropic-ai/sdk` 1.x: `new Anthropic({ middleware: [anthropicMiddleware(client)],
 * maxRetries: 0 })`. It answers in place of the SDK's own transport, so list it last.
 */
export function anthropicMiddleware(client: Client): (request: AnthropicSdkRequest) => Promise<Response> {
  return ({ url, ...init }) => client.fetch(url, init)
}

/** Options that put `openai` onto a client: `new OpenAI({ ...openaiOptions(client) })`. */
export function openaiOptions(client: Client): {
  apiKey?: string
  baseURL: string
  fetch: Fetch
  maxRetries: 0
} {
  return {
    ...keyOption(client),
    baseURL: `${normaliseBaseUrl(client.baseUrl)}/v1`,
    fetch: client.fetch,
    maxRetries: 0,
  }
}

/**
 * Options that put a provider of the AI SDK onto a client: `createAnthropic({ ...aiSdkOptions(client) })`. The
 * AI SDK sets retries for each call: pass `maxRetries: 0` there.
 */
export function aiSdkOptions(client: Client): { apiKey?: string; baseURL: string; fetch: Fetch } {
  return { ...keyOption(client), baseURL: `${normaliseBaseUrl(client.baseUrl)}/v1`, fetch: client.fetch }
}

/**
 * Options that put `@openrouter/sdk` onto a client:
 * `new OpenRouter({ ...openrouterOptions(client, HTTPClient) })`, with `HTTPClient` from `@openrouter/sdk`.
 */
export function openrouterOptions<T>(
  client: Client,
  HTTPClient: new (options: { fetcher: Fetch }) => T,
): { apiKey?: string; serverURL: string; httpClient: T; retryConfig: { strategy: 'none' } } {
  return {
    ...keyOption(client),
    serverURL: `${normaliseBaseUrl(client.baseUrl)}/v1`,
    httpClient: new HTTPClient({ fetcher: client.fetch }),
    retryConfig: { strategy: 'none' },
  }
}
