import { type Api, deriveRequest, type ModelRequest } from '@spillway/middleware'
import { type JsonObject, jsonBodyFromObject } from '@spillway/middleware/kit'
import { withSources } from '@spillway/wire/internal'
import { writerWithNumbersOf } from './carried-numbers.ts'
import { type ChatDialect, type ChatDialectName, chatDialects } from './protocols/dialect.ts'
import { type Loss, mergeLosses } from './protocols/loss.ts'
import { requestToAnthropic } from './protocols/request-to-anthropic.ts'
import { requestToOpenAi, type TranslatedRequest } from './protocols/request-to-openai.ts'
import { withCacheBreakpoints } from './responses/cache-breakpoints.ts'
import { joinedMessages } from './responses/joined-messages.ts'
import { chatOfResponses } from './responses/request-from-responses.ts'
import { chatToResponses } from './responses/request-to-responses.ts'
import { repeatedFields } from './responses/response-object.ts'
import type { ToolKinds } from './responses/tool-kinds.ts'
import { translatedRequestHeaders } from './translated-headers.ts'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** Whether the caller's protocol caches prompts without being asked, so that marks for it are ours to set. */
    readonly cachesUnasked?: boolean | undefined
  }
}

/** What the answer needs of its request to be brought back. */
export interface Translated {
  readonly degraded: readonly Loss[]
  readonly toolNames: TranslatedRequest['toolNames']
  /** For callers of the Responses API: what their tools are, and what a response repeats of its request. */
  readonly kinds?: ToolKinds
  readonly repeated?: JsonObject
}

/** The request as the target gets it, and what it takes to bring the answer back. */
export interface Outgoing {
  readonly request: ModelRequest
  /** Without the body, which would be held as long as the answer lasts. */
  readonly translated: Translated
}

export interface OutgoingOptions {
  readonly dialect: ChatDialectName | ChatDialect
  readonly maxTokens?: number | undefined
}

/** A request asks for what no other protocol has; the message says what to change. */
export class UntranslatableRequest extends Error {}

/**
 * The same call in another protocol.
 * @throws SyntaxError when the body is not a JSON object
 * @throws UntranslatableRequest when it asks for what a gateway to other vendors cannot do
 */
export function translatedRequest(
  request: ModelRequest,
  to: Api,
  options: OutgoingOptions,
  json: JsonObject = withSources(request.body.json, request.body.bytes),
): Outgoing {
  const headers = translatedRequestHeaders(to, request.headers)
  const apiVersion = headers['anthropic-version'] as string
  const translation = translatedJson(request.api, to, json, { ...options, apiVersion })
  const { body: plainBody, ...translated } = translation
  const isCached = to === 'anthropic' && (request.api === 'responses' || request.context.cachesUnasked)
  const translatedBody = isCached ? withCacheBreakpoints(plainBody) : plainBody
  const url = translatedUrl(request.url, to)
  const body = jsonBodyFromObject(translatedBody, writerWithNumbersOf(request.body, translatedBody))
  const { context } = request
  const isMarked = request.api === 'responses' ? { context: { ...context, cachesUnasked: true } } : {}
  return { request: deriveRequest(request, { api: to, url, headers, body, ...isMarked }), translated }
}

/** What the chat is written in that becomes a request of the Responses API: all of OpenAI's, and reasoning as it came. */
const chatForResponses: ChatDialect = { ...chatDialects.openai, reasoning: 'openrouter' }

function translatedJson(
  from: Api,
  to: Api,
  json: JsonObject,
  { dialect, maxTokens, apiVersion }: OutgoingOptions & { readonly apiVersion: string },
): Translated & { readonly body: JsonObject } {
  const messagesOptions = { apiVersion, ...(maxTokens === undefined ? {} : { maxTokens }) }
  if (from === 'responses') {
    const chat = chatOfResponses(json)
    if ('refused' in chat) throw new UntranslatableRequest(chat.refused)
    const { kinds } = chat
    const repeated = repeatedFields(json)
    if (to === 'openai') {
      const body = { ...chat.body, messages: joinedMessages(chat.body.messages as readonly JsonObject[]) }
      return { body, degraded: chat.degraded, toolNames: new Map(), kinds, repeated }
    }
    const { body, degraded, toolNames } = requestToAnthropic(chat.body, messagesOptions)
    return {
      body,
      degraded: mergeLosses(chat.degraded, degraded),
      toolNames,
      kinds,
      repeated,
    }
  }
  if (to === 'responses') {
    const chat = from === 'openai' ? undefined : requestToOpenAi(json, chatForResponses)
    const { body, degraded } = chatToResponses(chat?.body ?? json)
    return {
      body,
      degraded: mergeLosses(chat?.degraded ?? [], degraded),
      toolNames: chat?.toolNames ?? new Map(),
    }
  }
  return to === 'openai' ? requestToOpenAi(json, dialect) : requestToAnthropic(json, messagesOptions)
}

const paths: Readonly<Record<Api, string>> = {
  anthropic: '/messages',
  openai: '/chat/completions',
  responses: '/responses',
}

/** The path of the other protocol below the same base; the query belongs to the caller's. */
function translatedUrl(url: string, to: Api): string {
  return url.replace(/[?#].*$/s, '').replace(/\/(?:messages|chat\/completions|responses)$/, paths[to])
}
