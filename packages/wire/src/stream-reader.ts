import { type Api, concatBytes } from '@spillway/middleware'
import { readAnthropicEvent } from './anthropic-stream.ts'
import { readOpenAiEvent } from './openai-stream.ts'
import { type SseEvent, SseScanner } from './sse-scanner.ts'
import { newStreamState, type StreamState } from './stream-state.ts'

const nothing = new Uint8Array(0)

/**
 * Follows one streamed answer. Bytes go in as they arrive and come out unchanged, cut at event borders, so that
 * whoever passes them on can end the stream well at any moment. An error event does not come out: it is kept
 * apart in `failureBytes`, for whoever decides how the stream goes on.
 */
export class StreamReader {
  /** What the stream has said so far. */
  readonly state: Readonly<StreamState>
  readonly #api: Api
  readonly #scanner: SseScanner
  #failureStart = 0
  #failureBytes: Uint8Array[] = []

  constructor(api: Api) {
    const state = newStreamState()
    const read = api === 'anthropic' ? readAnthropicEvent : readOpenAiEvent
    this.#api = api
    this.state = state
    this.#scanner = new SseScanner((event: SseEvent) => {
      if (state.failure !== undefined) return
      read(event, state)
      if (state.failure !== undefined) this.#failureStart = event.start
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
    this.#failureBytes = [bytes.subarray(this.#failureStart), this.#scanner.rest()]
    return bytes.subarray(0, this.#failureStart)
  }

  /** Bytes after the last complete event, for a stream that has ended. */
  rest(): Uint8Array {
    return this.state.failure === undefined ? this.#scanner.rest() : nothing
  }

  /** Whether the answer is whole. Some servers of the OpenAI shape close without `[DONE]` after the last word. */
  get isComplete(): boolean {
    return this.state.hasEnded || (this.#api === 'openai' && this.state.stopReason !== undefined)
  }

  /** The error event as it was received; undefined when there was none. */
  get failureBytes(): Uint8Array | undefined {
    return this.state.failure === undefined ? undefined : concatBytes(this.#failureBytes)
  }
}
