import {
  type Api,
  deriveRequest,
  type JsonObject,
  jsonBodyFromObject,
  type ModelRequest,
} from '@spillway/middleware'
import { withSources } from '@spillway/wire'
import { writerWithNumbersOf } from './carried-numbers.ts'
import type { ChatDialect, ChatDialectName } from './protocols/dialect.ts'
import { requestToAnthropic } from './protocols/request-to-anthropic.ts'
import { requestToOpenAi, type TranslatedRequest } from './protocols/request-to-openai.ts'
import { translatedRequestHeaders } from './translated-headers.ts'

/** The request as the target gets it, and what it takes to bring the answer back. */
export interface Outgoing {
  readonly request: ModelRequest
  /** Without the body, which would be held as long as the answer lasts. */
  readonly translated: Omit<TranslatedRequest, 'body'>
}

export interface OutgoingOptions {
  readonly dialect: ChatDialectName | ChatDialect
  readonly maxTokens?: number | undefined
}

/**
 * The same call in another protocol.
 * @throws SyntaxError when the body is not a JSON object
 */
export function translatedRequest(
  request: ModelRequest,
  to: Api,
  options: OutgoingOptions,
  json: JsonObject = withSources(request.body.json, request.body.bytes),
): Outgoing {
  const headers = translatedRequestHeaders(to, request.headers)
  const { maxTokens } = options
  const { body: translatedBody, ...translated } =
    to === 'openai'
      ? requestToOpenAi(json, options.dialect)
      : requestToAnthropic(json, {
          apiVersion: headers['anthropic-version'] as string,
          ...(maxTokens === undefined ? {} : { maxTokens }),
        })
  const url = translatedUrl(request.url, to)
  const body = jsonBodyFromObject(translatedBody, writerWithNumbersOf(request.body, translatedBody))
  return { request: deriveRequest(request, { api: to, url, headers, body }), translated }
}

/** The path of the other protocol below the same base; the query belongs to the caller's. */
function translatedUrl(url: string, to: Api): string {
  const path = url.replace(/[?#].*$/s, '')
  return to === 'openai'
    ? path.replace(/\/messages$/, '/chat/completions')
    : path.replace(/\/chat\/completions$/, '/messages')
}
