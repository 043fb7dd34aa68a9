import type { Api } from '@spillway/middleware'
import type { StreamPlace } from '@spillway/middleware/kit'
import { SseScanner, truncatedFailure } from '@spillway/wire'
import { eventReader, isWholeStream, newStreamState } from '@spillway/wire/internal'
import { chained } from '../responses/chained-streams.ts'
import type { ResponsesAnswerOptions } from '../responses/response-object.ts'
import { StreamFromResponses } from '../responses/stream-from-responses.ts'
import { StreamToResponses } from '../responses/stream-to-responses.ts'
import type { Loss } from './loss.ts'
import { StreamToAnthropic } from './stream-to-anthropic.ts'
import { StreamToOpenAi } from './stream-to-openai.ts'
import type { StreamTranslation } from './stream-translation.ts'

const encoder = new TextEncoder()
const nothing = new Uint8Array(0)

/**
 * Translates the bytes of a stream into those of another protocol, as they arrive, in any chunking. A stream that breaks
 * off ends with an error event of the protocol that it is translated to.
 */
export class StreamTranslator {
  readonly #translation: StreamTranslation
  readonly #scanner: SseScanner
  readonly #from: Api
  readonly #state = newStreamState()
  #text = ''
  #isOver = false

  /**
   * @param to the protocol of the caller
   * @param from the protocol of the stream; by default chat completions for callers of Messages, and Messages for all others
   */
  constructor(
    to: Api,
    options: ResponsesAnswerOptions = {},
    from: Api = to === 'anthropic' ? 'openai' : 'anthropic',
  ) {
    const translation = translationOf(from, to, options)
    this.#translation = translation
    this.#from = from
    const read = eventReader(this.#from)
    const state = this.#state
    this.#scanner = new SseScanner((event) => {
      if (this.#isOver) return
      read(event, state)
      // The last event of a response says why it has ended and what it took.
      const isRead = state.failure === undefined && (!state.hasEnded || from === 'responses')
      if (isRead) this.#text += translation.read(event)
      if (!isRead || state.hasEnded) this.#text += this.#close()
    })
  }

  /** Where an event goes that ends the stream; undefined in protocols that do not number their events. */
  get place(): StreamPlace | undefined {
    return this.#translation.place
  }

  /** What got lost so far. */
  get degraded(): readonly Loss[] {
    return this.#translation.degraded
  }

  /**
   * Reads the next chunk; returns what is to be sent, often nothing.
   * @throws RangeError when a single event exceeds 32 MiB, or more would have to be kept than any answer has
   */
  push(chunk: Uint8Array): Uint8Array {
    this.#scanner.push(chunk)
    if (this.#text === '') return nothing
    const bytes = encoder.encode(this.#text)
    this.#text = ''
    return bytes
  }

  /** The stream has ended; returns what is still to be sent. */
  end(): Uint8Array {
    return encoder.encode(this.#close())
  }

  #close(): string {
    if (this.#isOver) return ''
    this.#isOver = true
    const { failure } = this.#state
    if (failure !== undefined) return this.#translation.fail(failure)
    return isWholeStream(this.#from, this.#state)
      ? this.#translation.finish()
      : this.#translation.fail(truncatedFailure())
  }
}

/** Between the two protocols of OpenAI an answer is a message on its way. Names of tools are led back by the first step. */
function translationOf(from: Api, to: Api, options: ResponsesAnswerOptions): StreamTranslation {
  const { toolNames: _, ...second } = options
  if (from === 'responses') {
    const message = new StreamFromResponses(options)
    return to === 'openai' ? chained(message, new StreamToOpenAi(second)) : message
  }
  if (to === 'responses') {
    if (from === 'anthropic') return new StreamToResponses(options)
    return chained(new StreamToAnthropic(options), new StreamToResponses(second))
  }
  return to === 'anthropic' ? new StreamToAnthropic(options) : new StreamToOpenAi(options)
}
