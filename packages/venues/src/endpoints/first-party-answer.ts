import type { ModelRequest, ModelResponse } from '@spillway/middleware'
import { bodyOf, type ResponseHeaders, readBody } from '@spillway/middleware/kit'
import { renderError } from '@spillway/wire'
import { field, header, parseBounded, wordedFor } from '@spillway/wire/internal'

/** The headers of an answer, with the id of the request where first-party clients look for it. */
export function firstPartyHeaders(headers: ResponseHeaders): ResponseHeaders {
  const id =
    header(headers, 'request-id') ?? header(headers, 'x-amzn-requestid') ?? header(headers, 'apim-request-id')
  const { 'x-amzn-errortype': _, 'x-amzn-bedrock-content-type': __, ...others } = headers
  return id === undefined ? others : { ...others, 'request-id': id }
}

/** The error of a venue as the first-party API says it. Claude's own words, which some venues pass on, stay. */
export async function inFirstPartyError(
  asked: ModelRequest,
  response: ModelResponse,
): Promise<ModelResponse> {
  const { failure } = response
  if (failure === undefined) return response
  const said = await readBody(response.body)
  const { 'content-length': _, ...headers } = firstPartyHeaders(response.headers)
  if (field(parseBounded(said), 'type') === 'error') return { ...response, headers, body: bodyOf(said) }
  const rendered = renderError(asked.api, wordedFor(asked.api, failure))
  return {
    ...response,
    status: rendered.status,
    headers: { ...headers, ...rendered.headers },
    body: bodyOf(rendered.body),
  }
}
