import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import type { Transport, TransportHandle, TransportSink } from '@spillway/attempt'
import type { Failure, ModelRequest } from '@spillway/middleware'
import type { ResponseHeaders } from '@spillway/middleware/kit'
import { headerFence, malformedFailure, renderError, renderErrorEvent } from '@spillway/wire'
import { isDivertedHeader } from '@spillway/wire/internal'
import type { ModelAnswer, ModelCall } from './model-call.ts'
import { failureOfPart, keptHeaders, readModelError } from './model-error.ts'
import { PartEncoder } from './part-encoder.ts'
import { wholeMessage } from './whole-message.ts'

/** Asks a model of the AI SDK, and tells of its answer in the bytes of the Messages API. */
export function modelTransport(model: LanguageModelV4): Transport {
  return (request, sink) => {
    const exchange = new ModelExchange(model, request, sink)
    // The sink may be called only after the transport has returned.
    queueMicrotask(() => void exchange.run())
    return exchange
  }
}

class ModelExchange implements TransportHandle {
  readonly #model: LanguageModelV4
  readonly #request: ModelRequest
  readonly #sink: TransportSink
  readonly #controller = new AbortController()
  #reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart> | undefined
  #resumed: PromiseWithResolvers<void> | undefined

  constructor(model: LanguageModelV4, request: ModelRequest, sink: TransportSink) {
    this.#model = model
    this.#request = request
    this.#sink = sink
  }

  async run(): Promise<void> {
    const { stream, context, body } = this.#request
    const { signal } = this.#controller
    const call = context.modelCall as ModelCall
    const answer = context.modelAnswer as ModelAnswer
    if (signal.aborted) return
    if (body !== call.body) return this.#sink.fault(new TypeError(otherBody))
    const options = { ...call.options, headers: outgoingHeaders(this.#request), abortSignal: signal }
    try {
      if (stream) await this.#stream(options, answer)
      else await this.#generate(options, answer)
    } catch (error) {
      if (!signal.aborted) this.#report(error, answer)
    }
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers()
  }

  resume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
    // Not every model heeds the signal to the end.
    this.#reader?.cancel(reason).catch(() => {})
    this.resume()
  }

  async #generate(options: LanguageModelV4CallOptions, answer: ModelAnswer): Promise<void> {
    const result = await this.#model.doGenerate(options)
    if (this.#controller.signal.aborted) return
    if (
      isCut(result.finishReason) ||
      (result.finishReason.unified === 'error' && result.content.length === 0)
    ) {
      return this.#fail(malformedFailure('the model ended without an answer'))
    }
    answer.result = result
    this.#respond(200, keptHeaders(result.response?.headers), wholeMessage(result, this.#model.modelId))
  }

  async #stream(options: LanguageModelV4CallOptions, answer: ModelAnswer): Promise<void> {
    const { stream, ...streamed } = await this.#model.doStream(options)
    const { signal } = this.#controller
    const reader = stream.getReader()
    this.#reader = reader
    if (signal.aborted) return void reader.cancel(signal.reason).catch(() => {})
    answer.streamed = streamed
    this.#sink.headers(200, {
      ...keptHeaders(streamed.response?.headers),
      'content-type': 'text/event-stream',
    })
    const encoder = new PartEncoder()
    for (;;) {
      if (this.#resumed !== undefined) await this.#resumed.promise
      const { done, value: part } = await reader.read()
      if (signal.aborted) return
      if (done || (part.type === 'finish' && isCut(part.finishReason))) return this.#sink.end()
      if (part.type === 'error') {
        answer.error = part.error
        const failure = failureOfPart(part.error, this.#request.clock.epoch())
        return this.#sink.data(renderErrorEvent(this.#request.api, failure))
      }
      this.#sink.data(encoder.encode(part, `${answer.number}.${answer.keep(part)}`))
    }
  }

  #report(error: unknown, answer: ModelAnswer): void {
    answer.error = error
    const read = readModelError(error, this.#request.clock.epoch())
    // Headers have been told of, where a stream has begun: what breaks it off is a failure of the network.
    if (this.#reader !== undefined && read.is !== 'fault') {
      return read.is === 'network' ? this.#sink.error(error) : this.#breakOff(error)
    }
    switch (read.is) {
      case 'response':
        return this.#respond(read.status, read.headers, new TextEncoder().encode(read.body))
      case 'failure':
        return this.#fail(read.failure)
      case 'network':
        return this.#sink.error(error)
      default:
        this.#sink.fault(error)
    }
  }

  #breakOff(error: unknown): void {
    this.#sink.data(renderErrorEvent(this.#request.api, failureOfPart(error, this.#request.clock.epoch())))
  }

  #fail(failure: Failure): void {
    const { status, headers, body } = renderError(this.#request.api, failure)
    this.#respond(status, headers, body)
  }

  #respond(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    this.#sink.headers(status, { ...headers, 'content-type': 'application/json' })
    this.#sink.data(body)
    this.#sink.end()
  }
}

/** A connection that was cut after some output: providers call that an end. */
const isCut = ({ unified }: LanguageModelV4FinishReason): boolean => unified === 'interrupted'

const otherBody =
  'a middleware has changed the body of the request, which a model of the AI SDK cannot be given: change the call with wrapLanguageModel of `ai` instead (`fallback` with `midStream`, `fit` and `translate` have no place around such models)'

/** What every provider may get: the headers of HTTP, and those by which Anthropic turns on what is asked for. */
const fence = headerFence('anthropic', 'anthropic')

/** The headers of the call; at another model than the first, none of those that may be meant for the first alone. */
function outgoingHeaders({ headers, context: { divertedHeaders } }: ModelRequest): Record<string, string> {
  const isForHere = (name: string): boolean =>
    divertedHeaders === undefined || fence(name) || !isDivertedHeader(name, headers, divertedHeaders)
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('x-spillway-') && isForHere(name)),
  )
}
