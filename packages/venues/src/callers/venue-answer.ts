import type { ModelRequest, ModelResponse } from '@spillway/middleware'
import { bodyOf, type ResponseHeaders, readBody } from '@spillway/middleware/kit'
import { renderError } from '@spillway/wire'
import { header } from '@spillway/wire/internal'
import { eventsToFrames, toBedrockCounted } from '../forms/index.ts'

const framesType = 'application/vnd.amazon.eventstream'

/** Says what is in the frames. */
const contentType = 'x-amzn-bedrock-content-type'

/** The answer to a first-party call as the cloud gives it that the caller has called. */
export async function answerAtVenue(request: ModelRequest, response: ModelResponse): Promise<ModelResponse> {
  if (response.failure !== undefined) return failedAtVenue(request, response)
  if (request.venue !== 'bedrock') return response
  const headers = { ...response.headers, 'x-amzn-requestid': requestIdOf(request, response) }
  if (request.operation === 'count_tokens') return counted(response, headers)
  const isStream = header(headers, 'content-type')?.startsWith('text/event-stream')
  if (!isStream) return { ...response, headers }
  return {
    ...response,
    headers: { ...withoutLength(headers), 'content-type': framesType, [contentType]: 'application/json' },
    body: eventsToFrames(response.body),
  }
}

/** In the words of the upstream, if it has sent some. */
function failedAtVenue(request: ModelRequest, response: ModelResponse): ModelResponse {
  const { failure, headers } = response
  if (failure === undefined) return response
  response.body.cancel()
  const error = renderError(request.api, failure, request.venue)
  return {
    ...response,
    status: error.status,
    headers: {
      ...withoutLength(headers),
      ...error.headers,
      ...(request.venue === 'bedrock' && { 'x-amzn-requestid': requestIdOf(request, response) }),
    },
    body: bodyOf(error.body),
  }
}

async function counted(response: ModelResponse, headers: ResponseHeaders): Promise<ModelResponse> {
  const answer = await readBody(response.body)
  const body = toBedrockCounted(answer) ?? answer
  return { ...response, headers: withoutLength(headers), body: bodyOf(body) }
}

/** By which a call is found again: at the vendor, else at this gateway. */
function requestIdOf({ context }: ModelRequest, { headers, failure }: ModelResponse): string {
  return (
    header(headers, 'x-amzn-requestid') ??
    header(headers, 'request-id') ??
    failure?.requestId ??
    context.callId
  )
}

function withoutLength({ 'content-length': _, ...others }: ResponseHeaders): ResponseHeaders {
  return others
}
