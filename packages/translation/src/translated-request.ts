import {
  type Api,
  deriveRequest,
  type JsonObject,
  jsonBodyFromObject,
  type ModelRequest,
} from '@spillway/middleware'
import {
  type ChatDialect,
  type ChatDialectName,
  requestToAnthropic,
  requestToOpenAi,
  type TranslatedRequest,
} from '@spillway/wire'
import { translatedRequestHeaders } from './translated-headers.ts'

/** The request as the target gets it, and what it takes to bring the answer back. */
export interface Outgoing {
  readonly request: ModelRequest
  readonly translated: TranslatedRequest
}

/**
 * The same call in another protocol.
 * @throws SyntaxError when the body is not a JSON object
 */
export function translatedRequest(
  request: ModelRequest,
  to: Api,
  options: { readonly dialect: ChatDialectName | ChatDialect; readonly maxTokens?: number | undefined },
): Outgoing {
  const headers = translatedRequestHeaders(to, request.headers)
  const { maxTokens } = options
  const json: JsonObject = request.body.json
  const translated =
    to === 'openai'
      ? requestToOpenAi(json, options.dialect)
      : requestToAnthropic(json, {
          apiVersion: headers['anthropic-version'] as string,
          ...(maxTokens === undefined ? {} : { maxTokens }),
        })
  const url = translatedUrl(request.url, to)
  const body = jsonBodyFromObject(translated.body)
  return { request: deriveRequest(request, { api: to, url, headers, body }), translated }
}

/** The path of the other protocol below the same base; the query belongs to the caller's. */
function translatedUrl(url: string, to: Api): string {
  const path = url.replace(/[?#].*$/s, '')
  return to === 'openai'
    ? path.replace(/\/messages$/, '/chat/completions')
    : path.replace(/\/chat\/completions$/, '/messages')
}
