import {
  emit,
  type Failure,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  StreamFailure,
  type Usage,
} from '@spillway/middleware'
import {
  BodyChannel,
  type BodySource,
  type FetchFacts,
  holdBody,
  type ResponseHeaders,
} from '@spillway/middleware/kit'
import {
  cancelledFailure,
  failureResponse,
  malformedFailure,
  StreamReader,
  transportFailure,
  truncatedFailure,
} from '@spillway/wire'
import { faultFailure, header, isBodiless, withRequestIdOf } from '@spillway/wire/internal'
import {
  type AnswerFacts,
  AttemptRecord,
  usageOf,
  usageOfUnanswered,
  usageOfWhole,
} from './attempt-record.ts'
import { type AttemptPhase, AttemptTimer } from './attempt-timer.ts'
import { FormSniffer, headersOf, isEventStream, withoutTerminator } from './body-form.ts'
import { collectedAnswer } from './collected-answer.ts'
import { CollectedBytes } from './collected-bytes.ts'
import { CredentialMask } from './credential-mask.ts'
import type { Transport, TransportHandle, TransportSink } from './transport.ts'
import { TransportEnd } from './transport-end.ts'

/** No vendor's errors are longer. What follows says nothing that the status has not said. */
const longestError = 1024 * 1024

const encoder = new TextEncoder()

const nothingSaid = { stopReason: undefined, contentEvents: 0 }

/** One attempt from its start to its outcome. It is the sink of the transport and the source of the body. */
export class RunningAttempt implements TransportSink, BodySource {
  readonly #request: ModelRequest
  /** The body's bytes are needed no more. */
  readonly #letGo: () => void
  readonly #resolve: (response: ModelResponse) => void
  readonly #reject: (reason: unknown) => void
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #timer: AttemptTimer
  readonly #record: AttemptRecord
  #handle: TransportHandle | undefined
  #phase: AttemptPhase = 'waiting'
  #status = 0
  #headers: ResponseHeaders = {}
  #facts: FetchFacts | undefined
  /** The whole body, or the events before the first content. */
  readonly #held = new CollectedBytes()
  #reader: StreamReader | undefined
  /** While it cannot be told yet what the body is. */
  #sniffer: FormSniffer | undefined
  /** Whether it is neither JSON nor a stream. */
  #isOdd = false
  #channel: BodyChannel | undefined
  /** The transport after the outcome. */
  #end: TransportEnd | undefined

  constructor(
    request: ModelRequest,
    resolve: (response: ModelResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request
    this.#letGo = holdBody(request.body)
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = new AttemptTimer(request, (failure) => this.#timeout(failure))
    this.#record = new AttemptRecord(request.clock, this.#timer.startedAt)
  }

  start(transport: Transport): void {
    this.#request.signal?.addEventListener('abort', this.#abort)
    try {
      this.#handle = transport(this.#request, this)
      this.#enter(this.#handle.isLeaving ? 'leaving' : 'waiting')
    } catch (error) {
      this.fault(error)
    }
  }

  // What the transport says.

  sent(): void {
    if (this.#phase === 'leaving') this.#enter('waiting')
  }

  headers(status: number, headers: ResponseHeaders, facts?: FetchFacts): void {
    if (this.#phase !== 'waiting' && this.#phase !== 'leaving') return
    this.#status = status
    this.#headers = headers
    this.#facts = facts
    this.#record.headersCame()
    if (status < 200 || status >= 300) return this.#enter('error')
    const encoding = header(headers, 'content-encoding') ?? 'identity'
    if (encoding !== 'identity') {
      return this.#breakOff(
        malformedFailure(`the answer is encoded as ${encoding.slice(0, 64)}, which cannot be decoded`),
      )
    }
    if (this.#request.operation !== 'generate' || isBodiless(status)) return this.#enter('whole')
    this.#sniffer = new FormSniffer(this.#request.venue)
    if (isEventStream(headers, this.#request.venue)) this.#expectStream()
    else this.#enter('whole')
  }

  data(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#record.bytes += chunk.length
    const { stopReason, contentEvents } = this.#reader?.state ?? nothingSaid
    this.#receive(chunk)
    // Once an answer has said why it ends, pings and comments do not put its end off any longer.
    if (stopReason === undefined || this.#reader?.state.contentEvents !== contentEvents) this.#timer.touch()
  }

  #receive(chunk: Uint8Array): void {
    const phase = this.#phase
    if (phase === 'done') return this.#end?.data(chunk.length)
    if (phase === 'waiting' || phase === 'leaving') return
    const { maxHeldBytes } = this.#request
    if (phase === 'error') {
      this.#held.push(chunk)
      if (this.#record.bytes > Math.min(longestError, maxHeldBytes)) this.#cutError()
      return
    }
    // Pings without end must not fill the memory.
    if (phase !== 'streaming' && this.#record.bytes > maxHeldBytes) {
      const what = phase === 'whole' ? 'the answer' : 'what comes before the first content'
      return this.#breakOff(malformedFailure(`${what} exceeds ${maxHeldBytes} bytes`))
    }
    const known = this.#sniffer === undefined ? chunk : this.#sniff(this.#sniffer, chunk)
    if (known === undefined) return
    if (this.#phase === 'whole') this.#collect(known)
    else this.#readStream(known)
  }

  /** What has come so far, once it shows what it is, whatever its type says. */
  #sniff(sniffer: FormSniffer, chunk: Uint8Array): Uint8Array | undefined {
    this.#held.push(chunk)
    const form = sniffer.read(chunk)
    if (form === undefined) return undefined
    this.#sniffer = undefined
    this.#isOdd = form === 'other'
    if (form === 'json') {
      this.#reader = undefined
      this.#enter('whole')
    } else if (form === 'stream' && this.#reader === undefined) this.#expectStream()
    return this.#held.take()
  }

  #expectStream(): void {
    const { api, venue, stream, keepTranscript, holdRefusal = false } = this.#request
    // A stream that was not asked for is put together.
    this.#reader = new StreamReader(api, {
      venue,
      ...(stream ? { keepTranscript, holdRefusal } : { assemble: true }),
    })
    this.#enter(stream ? 'holding' : 'whole')
  }

  end(): void {
    switch (this.#phase) {
      case 'leaving':
      case 'waiting':
        return this.#fail(malformedFailure('the upstream closed the connection without an answer'))
      case 'whole':
        return this.#reader === undefined ? this.#endWhole() : this.#endStream()
      case 'error':
        return this.#commitCollected(this.#held.take())
      case 'holding':
      case 'begun':
      case 'streaming':
        return this.#endStream()
      case 'done':
        this.#end?.ended()
    }
  }

  error(error: unknown): void {
    if (this.#phase === 'done') return this.#end?.ended()
    if (this.#phase === 'error') return this.#commitCollected(this.#held.take(), true)
    if (this.#reader?.isComplete) return this.#endStream()
    this.#fail(transportFailure(error))
  }

  fault(error: unknown): void {
    // Who has seen content is told in its protocol that no more comes.
    if (this.#phase === 'done' || this.#channel !== undefined) return this.error(error)
    this.#settleStream(faultFailure(error))
    this.#reject(error)
  }

  // What the reader of the body says.

  pause(): void {
    this.#timer.pause()
    this.#handle?.pause()
  }

  resume(): void {
    this.#timer.resume()
    this.#handle?.resume()
  }

  cancel(reason: unknown): void {
    if (this.#phase === 'done') return
    this.#handle?.abort(reason)
    this.#settleStream(cancelledFailure())
  }

  // What the caller says.

  readonly #abort = (): void => {
    if (this.#phase === 'done') return
    const reason: unknown = this.#request.signal?.reason
    const channel = this.#channel
    this.#handle?.abort(reason)
    this.#settleStream(cancelledFailure())
    if (channel === undefined) this.#reject(reason)
    else channel.fail(reason)
  }

  #enter(phase: AttemptPhase): void {
    this.#phase = phase
    this.#timer.enter(phase)
  }

  #collect(chunk: Uint8Array): void {
    if (this.#reader === undefined) return this.#held.push(chunk)
    this.#scan(this.#reader, chunk)
    const { failure, hasEnded } = this.#reader.state
    if (failure !== undefined) this.#breakOff(failure)
    else if (hasEnded) this.#finish()
  }

  /** Reads what has come of a stream; undefined where it makes none. */
  #scan(reader: StreamReader, chunk: Uint8Array): Uint8Array | undefined {
    try {
      return reader.push(chunk)
    } catch {
      this.#breakOff(malformedFailure('an event of the stream is too long'))
      return undefined
    }
  }

  #readStream(chunk: Uint8Array): void {
    const reader = this.#reader as StreamReader
    const bytes = this.#scan(reader, chunk)
    if (bytes === undefined) return
    if (this.#channel !== undefined) this.#channel.push(bytes)
    else this.#held.push(bytes)
    const { failure, hasContent, hasProgress, hasEnded } = reader.state
    if (this.#channel === undefined && hasContent) this.#commitStream()
    else if (this.#phase === 'holding' && hasProgress) this.#enter('begun')
    if (failure !== undefined) this.#breakOff(failure)
    else if (hasEnded) this.#finish()
    else if (this.#channel !== undefined) this.#timer.watchReader(this.#channel)
  }

  #commitStream(): BodyChannel {
    const channel = new BodyChannel(this)
    this.#channel = channel
    this.#record.contentCame()
    channel.push(this.#held.take())
    this.#enter('streaming')
    emit(this.#request, 'attempt.committed', { status: this.#status })
    const { refusal, hasContent } = (this.#reader as StreamReader).state
    this.#resolve({
      ...(refusal !== undefined && !hasContent && { refusal }),
      status: this.#status,
      headers: headersOf('stream', this.#headers, this.#request.venue),
      body: channel,
      failure: undefined,
      outcome: this.#outcome.promise,
      target: this.#request.context.target,
      transcript: this.#reader?.transcript,
      ...(this.#facts !== undefined && { fetched: this.#facts }),
    })
    return channel
  }

  /** The protocol's own end has come: whatever the transport still brings, the answer is over. */
  #finish(): void {
    this.#endStream()
    this.#end = new TransportEnd(this.#handle, this.#request.clock)
  }

  #endStream(): void {
    const reader = this.#reader as StreamReader
    if (!reader.isComplete) {
      if (this.#record.bytes === 0) return this.#fail(malformedFailure('the stream is empty'))
      return this.#fail(
        this.#isOdd ? malformedFailure('the answer is no stream of events') : truncatedFailure(),
      )
    }
    if (this.#phase === 'whole') return this.#commitAssembled(reader)
    const channel = this.#channel ?? this.#commitStream()
    this.#settleStream(undefined)
    const { refusalBytes, state } = reader
    if (refusalBytes !== undefined && state.refusal !== undefined)
      return channel.fail(new StreamFailure(state.refusal, refusalBytes))
    channel.push(reader.rest())
    channel.end()
  }

  #commitAssembled(reader: StreamReader): void {
    const json = reader.assembled()
    if (json === undefined) {
      return this.#fail(malformedFailure('a stream came where none was asked for, and it makes no answer'))
    }
    this.#commitCollected(encoder.encode(json))
  }

  #endWhole(): void {
    this.#commitCollected(withoutTerminator(this.#held.take()))
  }

  /** @param isCut whether more was to come */
  #commitCollected(body: Uint8Array, isCut = false): void {
    const request = this.#request
    const collected = { status: this.#status, headers: this.#headers, body, isCut }
    const { answer, failure, isCommitted, response } = collectedAnswer(
      request,
      collected,
      this.#outcome.promise,
    )
    // Listeners hear of the commit before the end, as they do for a stream.
    if (isCommitted) emit(request, 'attempt.committed', { status: this.#status })
    const state = this.#reader?.state
    this.#reader = undefined
    const usage = state === undefined ? usageOfWhole(request, answer) : usageOf(request, state, failure)
    this.#settle(failure, usage, answer)
    this.#resolve(this.#facts === undefined ? response : { ...response, fetched: this.#facts })
  }

  /** The error goes on, but its status has said what there is to know. */
  #cutError(): void {
    this.#handle?.abort(new Error('the rest of the error is not needed'))
    this.#commitCollected(this.#held.take(), true)
  }

  #timeout(failure: Failure): void {
    if (this.#phase === 'error') return this.#cutError()
    if (!this.#reader?.isComplete) return this.#breakOff(failure)
    this.#handle?.abort(new Error('the stream was complete'))
    this.#endStream()
  }

  /** Fails, and closes what the transport still holds open. */
  #breakOff(failure: Failure): void {
    this.#handle?.abort(new Error(failure.message))
    this.#fail(failure)
  }

  #fail(quoted: Failure): void {
    const { failureBytes, state } = this.#reader ?? {}
    const channel = this.#channel
    const mask = new CredentialMask(this.#request.headers)
    const failure = mask.failure(withRequestIdOf(this.#headers, quoted))
    this.#settleStream(failure)
    if (channel !== undefined) {
      channel.fail(new StreamFailure(failure, failureBytes && mask.bytes(failureBytes), this.#reader?.place))
      return
    }
    const body = state?.failureData === undefined ? undefined : Buffer.from(mask.text(state.failureData))
    this.#resolve(failureResponse(this.#request, failure, { outcome: this.#outcome.promise, body }))
  }

  #settleStream(failure: Failure | undefined): void {
    const state = this.#reader?.state
    const usage =
      state !== undefined
        ? usageOf(this.#request, state, failure)
        : this.#phase === 'waiting' || this.#phase === 'whole'
          ? usageOfUnanswered(this.#request, failure, this.#record.bytes)
          : undefined
    this.#settle(failure, usage, state)
  }

  #settle(failure: Failure | undefined, usage: Usage | undefined, answer: AnswerFacts | undefined): void {
    this.#phase = 'done'
    this.#timer.stop()
    this.#request.signal?.removeEventListener('abort', this.#abort)
    const outcome = this.#record.outcome(failure, usage, answer, this.#reader?.state.contentEvents)
    // First of all the outcome, which everyone who counts waits for.
    this.#outcome.resolve(outcome)
    emit(this.#request, 'attempt.ended', { outcome })
    this.#letGo()
  }
}
