import type { Failure, ResponseBody } from '@spillway/middleware'
import { malformedFailure } from '@spillway/wire'
import { BedrockScanner, bedrockException } from '@spillway/wire/internal'
import { convertedBody, type StreamConverter } from './converted-body.ts'

/**
 * A stream in frames of the Bedrock runtime as server-sent events. An exception in it, and a frame that is damaged or cut, break the
 * body off with a `StreamFailure`.
 */
export function framesToEvents(body: ResponseBody): ResponseBody {
  return convertedBody(body, new FramesReader())
}

const nothing = new Uint8Array(0)

class FramesReader implements StreamConverter {
  failure: Failure | undefined
  #written = ''
  readonly #scanner = new BedrockScanner({
    event: ({ name, data }) => {
      if (this.failure === undefined) this.#written += `event: ${name}\ndata: ${onOneLine(data)}\n\n`
    },
    exception: (name, data) => {
      this.failure ??= bedrockException(name, data)
    },
    broken: (problem) => {
      this.failure ??= malformedFailure(problem)
    },
  })

  push(chunk: Uint8Array): Uint8Array {
    this.#written = ''
    this.#scanner.push(chunk)
    return Buffer.from(this.#written)
  }

  end(): Uint8Array {
    if (this.#scanner.rest().length > 0) this.failure ??= malformedFailure('the stream ends within a frame')
    return nothing
  }
}

/** Between the parts of a JSON text lines may end; within its strings they cannot. */
function onOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]+/g, ' ') : json
}
