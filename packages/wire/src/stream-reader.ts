import type { Api } from '@spillway/middleware'
import type { StreamPlace, Transcript, Venue } from '@spillway/middleware/kit'
import { AnswerAssembler } from './assembly/answer-assembler.ts'
import { parseBounded } from './bounded-json.ts'
import { BedrockScanner } from './event-stream/bedrock-scanner.ts'
import { bedrockException } from './event-stream/exception-failure.ts'
import { isDone } from './openai-stream.ts'
import type { SseEvent } from './sse-event.ts'
import { SseScanner } from './sse-scanner.ts'
import { eventReader, isWholeStream } from './stream-end.ts'
import { newStreamState, type StreamState } from './stream-state.ts'
import { TranscriptWriter } from './transcript-writer.ts'
import { malformedFailure } from './transport-failure.ts'
import { stringField } from './usage.ts'

const nothing = new Uint8Array(0)

/** No end of a message is longer, keep-alives in it included. */
const longestEnd = 64 * 1024

export interface StreamReaderOptions {
  /** Keep what the stream says word for word. */
  readonly keepTranscript?: boolean
  /** Put the stream together into the answer that it would have been without streaming. */
  readonly assemble?: boolean
  /** Keep back the end of a message whose model declines after some output. */
  readonly holdRefusal?: boolean
  /** The cloud that wraps the stream: Bedrock frames its events. */
  readonly venue?: Venue | undefined
}

/** Where something lies in the bytes that the scanner is about to return. */
interface StreamSpan {
  readonly start: number
  readonly end: number
}

/**
 * Follows one streamed answer. Bytes go in as they arrive and come out unchanged, cut at event borders, so that
 * whoever passes them on can end the stream well at any moment. An error event does not come out, nor does what
 * follows it: it is kept apart in `failureBytes`, for whoever decides how the stream goes on. Nor does anything that
 * follows the protocol's own end (`message_stop`, `[DONE]`): the answer is over there, whatever the server sends.
 */
export class StreamReader {
  /** What the stream has said so far. */
  readonly state: Readonly<StreamState>
  /** What it has said word for word; only where that was asked for. */
  readonly transcript: Transcript | undefined
  readonly #api: Api
  readonly #state: StreamState
  readonly #scanner: SseScanner | BedrockScanner
  readonly #assembler: AnswerAssembler | undefined
  #failureStart = 0
  #failureEnd = 0
  /** Where the last event ends in the bytes that the scanner is about to return. */
  #end = 0
  #isOver = false
  #failureBytes: Uint8Array | undefined
  /** Where the end that is kept back begins, in the bytes that the scanner is about to return. */
  #refusalStart: number | undefined
  #refusalBytes: Uint8Array | undefined

  constructor(api: Api, options: StreamReaderOptions = {}) {
    const state = newStreamState()
    const transcript = options.keepTranscript ? new TranscriptWriter(api) : undefined
    const assembler = options.assemble ? new AnswerAssembler(api) : undefined
    this.#assembler = assembler
    const holdsRefusal = options.holdRefusal === true && api === 'anthropic'
    this.#api = api
    this.state = state
    this.#state = state
    this.transcript = transcript
    const read = eventReader(api)
    const onEvent = (event: SseEvent): void => {
      if (state.failure !== undefined || state.hasEnded) return
      read(event, state)
      if (state.failure !== undefined) return this.#onFailure(event)
      if (holdsRefusal && state.refusal !== undefined && state.hasContent) this.#refusalStart ??= event.start
      // An end that comes too early is no end for whoever reads on: another target may continue the answer.
      if (state.hasEnded) this.#end = this.isComplete ? event.end : event.start
      transcript?.read(event)
      assembler?.read(event)
      if (assembler?.isBroken) state.failure = malformedFailure('the stream makes no answer')
    }
    this.#scanner =
      options.venue === 'bedrock'
        ? new BedrockScanner({
            event: (event) => this.#onFramedEvent(event, onEvent),
            exception: (name, data, place) => this.#onException(name, data, place),
            broken: (problem, start) => this.#onBroken(problem, start),
          })
        : new SseScanner(onEvent)
  }

  #onFailure({ start, end }: StreamSpan): void {
    this.#failureStart = start
    this.#failureEnd = end
  }

  /** Outside of its streams Bedrock says errors in its own shape. */
  #onFramedEvent(event: SseEvent, onEvent: (event: SseEvent) => void): void {
    if (this.state.failure !== undefined) return
    onEvent(event)
    const { failure, failureData } = this.#state
    if (failure !== undefined && failureData !== undefined)
      this.#state.failureData = JSON.stringify({ message: failure.message })
  }

  /** A venue's own word for a failure, in which its errors come outside of streams too. */
  #onException(name: string, data: string, place: StreamSpan): void {
    const state = this.#state
    if (state.failure !== undefined || state.hasEnded) return
    const message = stringField(parseBounded(data), 'message')
    state.failure = bedrockException(name, data)
    state.failureData = JSON.stringify({ message: message ?? name })
    this.#onFailure(place)
  }

  #onBroken(problem: string, start: number): void {
    const state = this.#state
    if (state.failure !== undefined || state.hasEnded) return
    state.failure = malformedFailure(problem)
    this.#onFailure({ start, end: start })
  }

  /**
   * Reads the next chunk; returns the bytes of the events that it completes, up to an error event or the end.
   * @throws RangeError when a single event exceeds 32 MiB
   */
  push(chunk: Uint8Array): Uint8Array {
    const before = this.#refusalBytes
    const bytes = this.#read(chunk)
    if (this.#refusalStart === undefined) return bytes
    const from = before === undefined ? this.#refusalStart : 0
    const end = bytes.subarray(from)
    if ((before?.length ?? 0) + end.length > longestEnd)
      this.#state.failure ??= malformedFailure('what follows a refusal is too long')
    this.#refusalBytes = before === undefined ? end : Buffer.concat([before, end])
    return before === undefined ? bytes.subarray(0, from) : nothing
  }

  #read(chunk: Uint8Array): Uint8Array {
    if (this.state.failure !== undefined || this.#isOver) return nothing
    const bytes = this.#scanner.push(chunk)
    if (this.state.hasEnded) {
      this.#isOver = true
      return bytes.subarray(0, this.#end)
    }
    if (this.state.failure === undefined) return bytes
    if (this.state.failureData !== undefined) {
      this.#failureBytes = bytes.subarray(this.#failureStart, this.#failureEnd)
    }
    return bytes.subarray(0, this.#failureStart)
  }

  /**
   * Bytes after the last complete event, for a stream whose connection has ended before its protocol's end. An event that
   * was cut in the middle is left out: clients would fail on half a JSON.
   */
  rest(): Uint8Array {
    if (this.state.failure !== undefined || this.#isOver) return nothing
    const rest = this.#scanner.rest()
    return this.#scanner instanceof SseScanner && isWholeEvent(rest) ? rest : nothing
  }

  /**
   * The same answer as if it had not been streamed, as JSON; only where that was asked for, and once it is complete.
   * Undefined where it cannot be put together: then it is no answer of the protocol.
   */
  assembled(): string | undefined {
    return this.#assembler?.toJson()
  }

  /** Whether the answer is whole: see `isWholeStream`. */
  get isComplete(): boolean {
    return isWholeStream(this.#api, this.state)
  }

  /** How far the stream has come, for those who end it with an error. */
  get place(): StreamPlace {
    const { nextSequence, answerId, model } = this.state
    return { nextSequence, answerId, model }
  }

  /** The end of a message whose model has declined, where it is kept back. */
  get refusalBytes(): Uint8Array | undefined {
    return this.#refusalBytes
  }

  /** The error event as it was received; undefined when there was none, also after an event that makes no sense. */
  get failureBytes(): Uint8Array | undefined {
    return this.#failureBytes
  }
}

/** Whether what was never ended by a blank line is a whole event nevertheless: a comment, `[DONE]`, or one whose JSON is whole. */
function isWholeEvent(bytes: Uint8Array): boolean {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString()
    .split(/\r\n|\r|\n/)
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
  if (data.length === 0) return lines.every((line) => line === '' || line.startsWith(':'))
  return isDone(data.join('')) || parseBounded(data.join('\n')) !== undefined
}
