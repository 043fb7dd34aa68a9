import { type Api, type Clock, createRequest, type Handler, type ModelRequest } from '@spillway/middleware'
import { type JsonObject, jsonBodyFromObject, type RequestHeaders } from '@spillway/middleware/kit'
import { pathOf } from '@spillway/wire'
import { acceptsTemperature } from '@spillway/wire/internal'

/** The version of Anthropic's API that `complete`, `stream` and `generateCode` speak. */
const anthropicVersion = '2023-06-01'

/** One turn of a conversation. */
export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** What is asked: one text, or a conversation that ends with a turn of the user's. */
export type Prompt = string | readonly Turn[]

/** How it is asked. */
export interface CallOptions {
  /** @default the client's */
  readonly model?: string
  /** Instructions above the conversation. */
  readonly system?: string
  /**
   * Tokens of the answer at most.
   * @default 4096
   */
  readonly maxTokens?: number
  /** Left out where the model does not take one. */
  readonly temperature?: number
  readonly stopSequences?: readonly string[]
  readonly signal?: AbortSignal
  /** Headers to add. */
  readonly headers?: Readonly<Record<string, string>>
  /** Fields of the vendor's to add to the body, such as OpenRouter's `provider`. */
  readonly extraBody?: JsonObject
}

/** The common base of `complete`, `stream` and `generateCode`. */
export interface Surface {
  readonly handler: Handler
  readonly api: Api
  readonly model: string | undefined
  readonly clock: Clock | undefined
}

/** The request for a prompt. @throws TypeError when no model is known or the prompt is empty */
export function promptRequest(
  surface: Surface,
  prompt: Prompt,
  options: CallOptions,
  stream: boolean,
): ModelRequest {
  const model = options.model ?? surface.model
  if (model === undefined)
    throw new TypeError('no model: name one in the options of the call or of createClient')
  const turns: readonly Turn[] = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt
  if (turns.length === 0 || prompt === '') throw new TypeError('the prompt is empty')
  const { api, clock } = surface
  const json =
    api === 'anthropic' ? anthropicBody(model, turns, options) : openaiBody(model, turns, options, stream)
  return createRequest({
    api,
    model,
    stream,
    url: pathOf({ api, operation: 'generate' }),
    headers: {
      'content-type': 'application/json',
      ...(api === 'anthropic' ? { 'anthropic-version': anthropicVersion } : {}),
      ...lowerCased(options.headers),
    },
    body: jsonBodyFromObject({ ...json, ...(stream ? { stream } : {}), ...options.extraBody }),
    signal: options.signal,
    ...(clock === undefined ? {} : { clock }),
  })
}

function lowerCased(headers: CallOptions['headers'] = {}): RequestHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function anthropicBody(model: string, turns: readonly Turn[], options: CallOptions): JsonObject {
  return {
    model,
    max_tokens: options.maxTokens ?? 4096,
    ...(options.system === undefined ? {} : { system: options.system }),
    messages: turns,
    ...temperature(model, options),
    ...(options.stopSequences === undefined ? {} : { stop_sequences: options.stopSequences }),
  }
}

function openaiBody(
  model: string,
  turns: readonly Turn[],
  options: CallOptions,
  stream: boolean,
): JsonObject {
  const system = options.system === undefined ? [] : [{ role: 'system', content: options.system }]
  return {
    model,
    max_tokens: options.maxTokens ?? 4096,
    messages: [...system, ...turns],
    ...temperature(model, options),
    ...(options.stopSequences === undefined ? {} : { stop: options.stopSequences }),
    // Without it a stream of this shape does not say what it used.
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  }
}

function temperature(model: string, { temperature: value, headers }: CallOptions): JsonObject {
  const version = lowerCased(headers)['anthropic-version']
  return value !== undefined && acceptsTemperature(model, version) ? { temperature: value } : {}
}
