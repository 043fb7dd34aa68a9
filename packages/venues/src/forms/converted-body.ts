import { type Failure, isStreamFailure, type ResponseBody, StreamFailure } from '@spillway/middleware'
import { BodyChannel } from '@spillway/middleware/kit'
import { malformedFailure } from '@spillway/wire'

/** Reads a stream and writes it in another form. */
export interface StreamConverter {
  /** Why the stream cannot be read any further; what has been written before that is valid. */
  readonly failure: Failure | undefined
  /** What the chunk completes, in the other form. @throws RangeError for an event that is too long */
  push(chunk: Uint8Array): Uint8Array
  /** What is left once the stream has ended. */
  end(): Uint8Array
}

/**
 * A stream's body in another form. Back-pressure and cancelling go through to the upstream. A body that breaks off still does, and
 * whoever serves it says the error in its own form: the upstream's error event has another.
 */
export function convertedBody(body: ResponseBody, converter: StreamConverter): ResponseBody {
  let isOver = false
  const channel = new BodyChannel({
    pause: () => {},
    resume: () => body.resume(),
    cancel: (reason) => {
      isOver = true
      body.cancel(reason)
    },
  })
  const pass = (convert: () => Uint8Array): void => {
    let failure: Failure | undefined
    try {
      channel.push(convert())
      failure = converter.failure
    } catch (error) {
      failure = unreadable(error)
    }
    if (failure === undefined) return
    isOver = true
    channel.fail(new StreamFailure(failure))
    body.cancel()
  }
  body.pipe({
    write(chunk) {
      if (isOver) return true
      pass(() => converter.push(chunk))
      return !channel.paused
    },
    end() {
      if (!isOver) pass(() => converter.end())
      if (!isOver) channel.end()
    },
    fail(error) {
      if (!isStreamFailure(error)) return channel.fail(error)
      const { failure, eventBytes, place } = error
      // The end of an answer that declines is a part of it, which has been kept back.
      const end =
        failure.kind === 'refusal' && eventBytes !== undefined ? converter.push(eventBytes) : undefined
      channel.fail(new StreamFailure(failure, end, place))
    },
  })
  return channel
}

function unreadable(error: unknown): Failure {
  const why = error instanceof RangeError ? `: ${error.message}` : ''
  return malformedFailure(`the stream cannot be converted${why}`)
}
