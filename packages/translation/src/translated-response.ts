import { type Api, emit, type ModelRequest, type ModelResponse } from '@spillway/middleware'
import { bodyOf, type JsonObject, readBody, type Transcript } from '@spillway/middleware/kit'
import { failureResponse, malformedFailure, renderError } from '@spillway/wire'
import { asksForUsage, header, withSources, wordedFor, writeJson } from '@spillway/wire/internal'
import { degradedResponse } from './degraded-header.ts'
import { answerIdFor } from './protocols/answer-ids.ts'
import type { TranslatedAnswer } from './protocols/answer-options.ts'
import { answerToAnthropic } from './protocols/answer-to-anthropic.ts'
import { answerToOpenAi } from './protocols/answer-to-openai.ts'
import { type Loss, mergeLosses } from './protocols/loss.ts'
import { StreamTranslator } from './protocols/stream-translator.ts'
import { answerFromResponses } from './responses/answer-from-responses.ts'
import { answerToResponses } from './responses/answer-to-responses.ts'
import type { ResponsesAnswerOptions } from './responses/response-object.ts'
import { translatedBody } from './translated-body.ts'
import { translatedResponseHeaders } from './translated-headers.ts'
import type { Outgoing } from './translated-request.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What a target has answered, in the protocol of the caller. `failure` and `outcome` stay what they are. */
export async function translatedResponse(
  caller: ModelRequest,
  outgoing: Outgoing,
  response: ModelResponse,
): Promise<ModelResponse> {
  const { api, clock } = caller
  if (response.failure !== undefined) return translatedFailure(caller, response)
  const { degraded, ...known } = outgoing.translated
  const from = outgoing.request.api
  const options: ResponsesAnswerOptions = {
    ...known,
    id: freshId(clock),
    model: outgoing.request.model,
    created: Math.floor(clock.epoch() / 1000),
    includeUsage: api === 'openai' && asksForUsage(caller.body),
  }
  const contentType = header(response.headers, 'content-type') ?? ''
  if (contentType.startsWith('text/event-stream')) {
    const translator = new StreamTranslator(api, options, from)
    const done = (): void => {
      if (translator.degraded.length > 0) emit(caller, 'degraded', { losses: translator.degraded })
    }
    return degradedResponse(
      {
        ...response,
        headers: translatedResponseHeaders(api, response.headers, 'text/event-stream; charset=utf-8'),
        body: translatedBody(response.body, translator, done),
        transcript: response.transcript && translatedTranscript(response.transcript, api),
      },
      degraded,
    )
  }
  const whole = wholeAnswer(from, api, await readBody(response.body), options)
  if (whole === undefined) {
    const failure = malformedFailure('the upstream answered with something that cannot be translated')
    const outcome = response.outcome.then((ended) => ({ ...ended, failure }))
    return failureResponse(caller, failure, { outcome })
  }
  if (whole.degraded.length > 0) emit(caller, 'degraded', { losses: whole.degraded })
  const headers = translatedResponseHeaders(api, response.headers, 'application/json')
  const body = bodyOf(whole.bytes)
  return degradedResponse({ ...response, headers, body }, [...degraded, ...whole.degraded])
}

/** What an answer is called whose server gives it no id: clients tell answers, and we tell calls of tools, by it. */
function freshId(clock: ModelRequest['clock']): string {
  return Array.from({ length: 3 }, () => clock.random().toString(36).slice(2, 10).padEnd(8, '0')).join('')
}

/** The failure is known, so the body of the upstream is not awaited; its message and its headers stay. */
function translatedFailure(caller: ModelRequest, response: ModelResponse): ModelResponse {
  const { failure } = response
  if (failure === undefined) return response
  response.body.cancel()
  const rendered = renderError(caller.api, wordedFor(caller.api, failure))
  const headers = translatedResponseHeaders(caller.api, response.headers, 'application/json')
  return { ...response, headers: { ...rendered.headers, ...headers }, body: bodyOf(rendered.body) }
}

/** The transcript lives on while the stream does; only the answer's id is another one for the caller. */
function translatedTranscript(transcript: Transcript, api: ModelRequest['api']): Transcript {
  return {
    get blocks() {
      return transcript.blocks
    },
    get id() {
      return transcript.id === undefined ? undefined : answerIdFor(api, transcript.id)
    },
  }
}

/** Undefined for what is not JSON, or has more levels than JSON is written for: an upstream may send anything. */
function wholeAnswer(
  from: Api,
  to: Api,
  bytes: Uint8Array,
  options: ResponsesAnswerOptions,
): { readonly bytes: Uint8Array; readonly degraded: readonly Loss[] } | undefined {
  try {
    const answer = withSources(JSON.parse(decoder.decode(bytes)) as JsonObject, bytes)
    const { body, degraded } = translatedAnswer(from, to, answer, options)
    return { bytes: encoder.encode(writeJson(body)), degraded }
  } catch {
    return undefined
  }
}

/** From one protocol of OpenAI to the other an answer is a message on its way. */
function translatedAnswer(
  from: Api,
  to: Api,
  answer: JsonObject,
  options: ResponsesAnswerOptions,
): TranslatedAnswer {
  if (from === 'anthropic') return fromMessage(to, answer, options)
  const message =
    from === 'openai' ? answerToAnthropic(answer, options) : answerFromResponses(answer, options)
  if (to === 'anthropic') return message
  const { toolNames: _, ...second } = options
  const { body, degraded } = fromMessage(to, message.body, second)
  return { body, degraded: mergeLosses(message.degraded, degraded) }
}

function fromMessage(to: Api, message: JsonObject, options: ResponsesAnswerOptions): TranslatedAnswer {
  return to === 'responses' ? answerToResponses(message, options) : answerToOpenAi(message, options)
}
