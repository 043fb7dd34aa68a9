import type { Failure, ResponseBody } from '@spillway/middleware'
import { concatBytes } from '@spillway/middleware/kit'
import { classifyErrorBody, SseScanner } from '@spillway/wire'
import { bedrockFrame, parseBounded } from '@spillway/wire/internal'
import { convertedBody, type StreamConverter } from './converted-body.ts'

/**
 * A stream of server-sent events in frames of the Bedrock runtime, keep-alives among them. An error event breaks the body off with a
 * `StreamFailure`, which is an exception in frames.
 */
export function eventsToFrames(body: ResponseBody): ResponseBody {
  return convertedBody(body, new EventsReader())
}

const blankLine = Buffer.from('\n\n')

class EventsReader implements StreamConverter {
  failure: Failure | undefined
  #frames: Uint8Array[] = []
  readonly #scanner = new SseScanner(({ name, data }) => {
    if (this.failure !== undefined) return
    if (name === 'error') this.failure = classifyErrorBody(parseBounded(data))
    else this.#frames.push(bedrockFrame(data))
  })

  push(chunk: Uint8Array): Uint8Array {
    this.#frames = []
    this.#scanner.push(chunk)
    return concatBytes(this.#frames)
  }

  /** The last event may have no blank line behind it. */
  end(): Uint8Array {
    return this.push(blankLine)
  }
}
