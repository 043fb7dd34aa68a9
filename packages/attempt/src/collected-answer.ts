import type { Failure, ModelRequest, ModelResponse, Outcome } from '@spillway/middleware'
import { bodyOf, type ResponseHeaders } from '@spillway/middleware/kit'
import {
  failureResponse,
  malformedFailure,
  readWholeAnswer,
  renderError,
  type WholeAnswer,
  wholeTranscript,
} from '@spillway/wire'
import { withBoundedWaits, withRequestIdOf, wordedFor } from '@spillway/wire/internal'
import { inAskedForm } from './asked-form.ts'
import { headersOfJson } from './body-form.ts'
import { CredentialMask } from './credential-mask.ts'

/** A response that has been collected. */
export interface Collected {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: Uint8Array
  /** Whether the body broke off, or was not worth collecting further. */
  readonly isCut: boolean
}

/** What a collected response says, and what the caller gets for it. */
export interface CollectedAnswer {
  readonly answer: WholeAnswer
  readonly failure: Failure | undefined
  /** Whether the upstream's own response is passed on. */
  readonly isCommitted: boolean
  readonly response: ModelResponse
}

/**
 * Reads a collected response. Answers are passed on as they came where no stream was asked for, errors less the request's own
 * credential; what is neither becomes an error in the caller's protocol.
 */
export function collectedAnswer(
  request: ModelRequest,
  collected: Collected,
  outcome: Promise<Outcome>,
): CollectedAnswer {
  const { api, venue, operation, clock, context, keepTranscript } = request
  const { status, headers, body, isCut } = collected
  const answer = readWholeAnswer({ api, venue, operation }, status, headers, body, clock.epoch())
  const asked = answer.failure === undefined ? inAskedForm(request, headers, body) : undefined
  if (asked !== undefined) {
    const transcript = keepTranscript ? wholeTranscript(api, body) : undefined
    const passed = { status, headers: asked.headers, body: bodyOf(asked.body), transcript }
    const { refusal } = answer
    const response = {
      ...passed,
      ...(refusal !== undefined && { refusal }),
      ...{ failure: undefined, outcome, target: context.target },
    }
    return { answer, failure: undefined, isCommitted: true, response }
  }
  const mask = new CredentialMask(request.headers)
  const found = answer.failure ?? malformedFailure('the answer makes no stream')
  const failure = mask.failure(withRequestIdOf(headers, found))
  const masked = mask.bytes(body)
  const isError = status >= 400 && status < 600
  if (isError && !isCut && failure.kind !== 'malformed') {
    const safe = withBoundedWaits(mask.headers(headers), clock.epoch())
    // Ollama and others speak Messages with other words for a prompt that is too long, and clients would not compact it. In chat
    // completions clients know them, and an error may have fields that only its server has.
    const isReworded = venue === undefined && (api === 'anthropic' || !answer.isErrorBody)
    const told = isReworded ? wordedFor(api, failure) : failure
    const isKept = answer.isErrorBody && told === failure
    const response = {
      status,
      ...(isKept ? { headers: safe, body: bodyOf(masked) } : inShapeOf(request, told, safe)),
      failure,
      outcome,
      target: context.target,
    }
    return { answer, failure, isCommitted: true, response }
  }
  // An error inside a 200 is passed on as it came, if it has the form of an error.
  const said = answer.isErrorBody && status < 300 ? masked : undefined
  const response = failureResponse(request, failure, { outcome, body: said })
  return { answer, failure, isCommitted: false, response }
}

/** An error in another service's shape, or none, as the clients of `api` read errors; the headers stay the upstream's. */
function inShapeOf(
  { api, venue }: ModelRequest,
  failure: Failure,
  headers: ResponseHeaders,
): Pick<ModelResponse, 'headers' | 'body'> {
  const rendered = renderError(api, failure, venue)
  return { headers: { ...rendered.headers, ...headersOfJson(headers) }, body: bodyOf(rendered.body) }
}
