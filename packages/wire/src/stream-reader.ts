import type { Api, Transcript } from '@spillway/middleware'
import { readAnthropicEvent } from './anthropic-stream.ts'
import { readOpenAiEvent } from './openai-stream.ts'
import type { SseEvent } from './sse-event.ts'
import { SseScanner } from './sse-scanner.ts'
import { newStreamState, type StreamState } from './stream-state.ts'
import { TranscriptWriter } from './transcript-writer.ts'

const nothing = new Uint8Array(0)

/**
 * Follows one streamed answer. Bytes go in as they arrive and come out unchanged, cut at event borders, so that
 * whoever passes them on can end the stream well at any moment. An error event does not come out, nor does what
 * follows it: it is kept apart in `failureBytes`, for whoever decides how the stream goes on.
 */
export class StreamReader {
  /** What the stream has said so far. */
  readonly state: Readonly<StreamState>
  /** What it has said word for word; only where that was asked for. */
  readonly transcript: Transcript | undefined
  readonly #api: Api
  readonly #scanner: SseScanner
  #failureStart = 0
  #failureEnd = 0
  #failureBytes: Uint8Array | undefined

  constructor(api: Api, options: { readonly keepTranscript?: boolean } = {}) {
    const state = newStreamState()
    const transcript = options.keepTranscript ? new TranscriptWriter(api) : undefined
    const read = api === 'anthropic' ? readAnthropicEvent : readOpenAiEvent
    this.#api = api
    this.state = state
    this.transcript = transcript
    this.#scanner = new SseScanner((event: SseEvent) => {
      if (state.failure !== undefined) return
      read(event, state)
      if (state.failure === undefined) return transcript?.read(event)
      this.#failureStart = event.start
      this.#failureEnd = event.end
    })
  }

  /**
   * Reads the next chunk; returns the bytes of the events that it completes, up to an error event.
   * @throws RangeError when a single event exceeds 32 MiB
   */
  push(chunk: Uint8Array): Uint8Array {
    if (this.state.failure !== undefined) return nothing
    const bytes = this.#scanner.push(chunk)
    if (this.state.failure === undefined) return bytes
    if (this.state.failureData !== undefined) {
      this.#failureBytes = bytes.subarray(this.#failureStart, this.#failureEnd)
    }
    return bytes.subarray(0, this.#failureStart)
  }

  /** Bytes after the last complete event, for a stream that has ended. */
  rest(): Uint8Array {
    return this.state.failure === undefined ? this.#scanner.rest() : nothing
  }

  /**
   * Whether the answer is whole. Some servers of the OpenAI shape close without `[DONE]` after the last word. An end
   * with neither content nor a stop reason before it is no answer.
   */
  get isComplete(): boolean {
    const { hasEnded, hasContent, stopReason } = this.state
    if (hasEnded) return hasContent || stopReason !== undefined
    return this.#api === 'openai' && stopReason !== undefined
  }

  /** The error event as it was received; undefined when there was none, also after an event that makes no sense. */
  get failureBytes(): Uint8Array | undefined {
    return this.#failureBytes
  }
}
