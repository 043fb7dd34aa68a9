import {
  BodyChannel,
  type BodySource,
  bodyOf,
  concatBytes,
  emit,
  type Failure,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  type ResponseBody,
  type ResponseHeaders,
  StreamFailure,
  type Transcript,
  type Usage,
} from '@spillway/middleware'
import {
  cancelledFailure,
  estimatedUsage,
  failureResponse,
  header,
  malformedFailure,
  readWholeAnswer,
  StreamReader,
  transportFailure,
  truncatedFailure,
  wholeTranscript,
  withBoundedWaits,
} from '@spillway/wire'
import { type AttemptPhase, AttemptTimer } from './attempt-timer.ts'
import { CredentialMask } from './credential-mask.ts'
import type { Transport, TransportHandle, TransportSink } from './transport.ts'

/** One attempt from its start to its outcome. It is the sink of the transport and the source of the body. */
export class RunningAttempt implements TransportSink, BodySource {
  readonly #request: ModelRequest
  readonly #resolve: (response: ModelResponse) => void
  readonly #reject: (reason: unknown) => void
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #timer: AttemptTimer
  #handle: TransportHandle | undefined
  #phase: AttemptPhase = 'waiting'
  #status = 0
  #headers: ResponseHeaders = {}
  /** Collected: the whole body, or the events before the first content. */
  #held: Uint8Array[] = []
  #reader: StreamReader | undefined
  #channel: BodyChannel | undefined
  #bytes = 0
  #headersAt: number | undefined
  #firstContentAt: number | undefined

  constructor(
    request: ModelRequest,
    resolve: (response: ModelResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = new AttemptTimer(request, (failure) => this.#timeout(failure))
  }

  start(transport: Transport): void {
    this.#request.signal?.addEventListener('abort', this.#abort)
    this.#timer.enter('waiting')
    try {
      this.#handle = transport(this.#request, this)
    } catch (error) {
      this.#settle(transportFailure(error), undefined, undefined)
      this.#reject(error)
    }
  }

  // What the transport says.

  headers(status: number, headers: ResponseHeaders): void {
    if (this.#phase !== 'waiting') return
    this.#status = status
    this.#headers = headers
    this.#headersAt = this.#request.clock.now()
    const succeeded = status >= 200 && status < 300
    if (succeeded && header(headers, 'content-type')?.startsWith('text/event-stream')) {
      this.#reader = new StreamReader(this.#request.api, this.#request)
      this.#enter('holding')
    } else {
      this.#enter('whole')
    }
  }

  data(chunk: Uint8Array): void {
    this.#timer.touch()
    this.#bytes += chunk.length
    switch (this.#phase) {
      case 'whole':
        this.#held.push(chunk)
        if (this.#bytes > this.#request.maxHeldBytes) this.#breakOff(this.#tooLarge('the answer'))
        return
      case 'holding':
        // Pings without end must not fill the memory.
        if (this.#bytes > this.#request.maxHeldBytes) {
          return this.#breakOff(this.#tooLarge('what comes before the first content'))
        }
        this.#readStream(chunk)
        return
      case 'streaming':
        this.#readStream(chunk)
    }
  }

  end(): void {
    switch (this.#phase) {
      case 'waiting':
        return this.#fail(malformedFailure('the upstream closed the connection without an answer'))
      case 'whole':
        return this.#commitWhole()
      case 'holding':
      case 'streaming':
        return this.#endStream()
    }
  }

  error(error: unknown): void {
    if (this.#phase === 'done') return
    if (this.#reader?.isComplete) return this.#endStream()
    this.#fail(transportFailure(error))
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

  #readStream(chunk: Uint8Array): void {
    const reader = this.#reader as StreamReader
    let bytes: Uint8Array
    try {
      bytes = reader.push(chunk)
    } catch {
      return this.#breakOff(malformedFailure('an event of the stream is too long'))
    }
    if (this.#channel !== undefined) this.#channel.push(bytes)
    else if (bytes.length > 0) this.#held.push(bytes)
    const { failure, hasContent } = reader.state
    if (this.#channel === undefined && hasContent) this.#commitStream()
    if (failure !== undefined) this.#breakOff(failure)
    else if (this.#channel !== undefined) this.#timer.watchReader(this.#channel)
  }

  #commitStream(): void {
    const channel = new BodyChannel(this)
    this.#channel = channel
    this.#firstContentAt = this.#request.clock.now()
    for (const bytes of this.#held) channel.push(bytes)
    this.#held = []
    this.#enter('streaming')
    emit(this.#request, 'attempt.committed', { status: this.#status })
    this.#answer(channel, this.#reader?.transcript)
  }

  #endStream(): void {
    const reader = this.#reader as StreamReader
    if (!reader.isComplete) {
      return this.#fail(this.#bytes === 0 ? malformedFailure('the stream is empty') : truncatedFailure())
    }
    if (this.#channel === undefined) this.#commitStream()
    const channel = this.#channel as unknown as BodyChannel
    this.#settleStream(undefined)
    channel.push(reader.rest())
    channel.end()
  }

  #commitWhole(): void {
    const { api, operation, clock, keepTranscript } = this.#request
    let bytes = concatBytes(this.#held)
    const answer = readWholeAnswer({ api, operation }, this.#status, this.#headers, bytes, clock.epoch())
    let { failure } = answer
    if (failure !== undefined) {
      const mask = new CredentialMask(this.#request.headers)
      failure = mask.failure(failure)
      bytes = mask.bytes(bytes)
      this.#headers = withBoundedWaits(mask.headers(this.#headers), clock.epoch())
    }
    if (failure !== undefined && (failure.kind === 'malformed' || this.#status < 300)) {
      this.#settle(failure, answer.usage, answer)
      // An error inside a 200 is passed on as it came, if it has the form of an error.
      const body = answer.isErrorBody ? bytes : undefined
      this.#resolve(failureResponse(this.#request, failure, { outcome: this.#outcome.promise, body }))
      return
    }
    const transcript = keepTranscript && failure === undefined ? wholeTranscript(api, bytes) : undefined
    // Listeners hear of the commit before the end, as they do for a stream.
    emit(this.#request, 'attempt.committed', { status: this.#status })
    this.#settle(failure, answer.usage, answer)
    this.#answer(bodyOf(bytes), transcript, failure)
  }

  #answer(body: ResponseBody, transcript: Transcript | undefined, failure?: Failure): void {
    this.#resolve({
      status: this.#status,
      headers: this.#headers,
      body,
      failure,
      outcome: this.#outcome.promise,
      target: this.#request.context.target,
      transcript,
    })
  }

  #tooLarge(what: string): Failure {
    return malformedFailure(`${what} exceeds ${this.#request.maxHeldBytes} bytes`)
  }

  #timeout(failure: Failure): void {
    if (this.#reader?.isComplete) {
      this.#handle?.abort(new Error('the stream was complete'))
      this.#endStream()
    } else {
      this.#breakOff(failure)
    }
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
    const failure = mask.failure(quoted)
    this.#settleStream(failure)
    if (channel !== undefined) {
      channel.fail(new StreamFailure(failure, failureBytes && mask.bytes(failureBytes)))
      return
    }
    const body = state?.failureData === undefined ? undefined : Buffer.from(mask.text(state.failureData))
    this.#resolve(failureResponse(this.#request, failure, { outcome: this.#outcome.promise, body }))
  }

  #settleStream(failure: Failure | undefined): void {
    const state = this.#reader?.state
    const usage =
      state === undefined || (state.usageIsFinal && failure === undefined)
        ? state?.usage
        : estimatedUsage(state.usage, state.contentBytes)
    this.#settle(failure, usage, state)
  }

  #settle(
    failure: Failure | undefined,
    usage: Usage | undefined,
    answer: { readonly stopReason: string | undefined; readonly model: string | undefined } | undefined,
  ): void {
    this.#phase = 'done'
    this.#timer.stop()
    this.#request.signal?.removeEventListener('abort', this.#abort)
    const startedAt = this.#timer.startedAt
    const end = this.#request.clock.now()
    const outcome: Outcome = {
      failure,
      usage,
      stopReason: answer?.stopReason,
      model: answer?.model,
      timings: {
        startedAt,
        headers: this.#headersAt === undefined ? undefined : this.#headersAt - startedAt,
        firstContent: this.#firstContentAt === undefined ? undefined : this.#firstContentAt - startedAt,
        end: end - startedAt,
      },
      outputChunks: this.#reader?.state.contentEvents,
      bytes: this.#bytes,
    }
    emit(this.#request, 'attempt.ended', { outcome })
    this.#outcome.resolve(outcome)
  }
}
