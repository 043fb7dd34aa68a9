import { type Api, isStreamFailure, type ResponseBody } from '@spillway/middleware'
import type { BodySink, Venue } from '@spillway/middleware/kit'
import { closingBytes } from '@spillway/wire'

/** In which protocol a stream is, and which cloud wraps it. */
export interface CallerProtocol {
  readonly api: Api
  readonly venue?: Venue | undefined
}

/**
 * A body for readers who know only the protocol: where the stream breaks off, it ends with an error event, the
 * upstream's own if it sent one, so that a cut never looks like an end. Other errors, the caller's own abort
 * above all, pass.
 */
export function guardStreamEnd(body: ResponseBody, spoken: Api | CallerProtocol): ResponseBody {
  const { api, venue }: CallerProtocol = typeof spoken === 'string' ? { api: spoken } : spoken
  const lastEvent = (error: unknown): Uint8Array | undefined =>
    isStreamFailure(error) ? closingBytes(api, error, venue) : undefined
  return {
    pipe: (sink) => body.pipe(sealedSink(sink, lastEvent)),
    resume: () => body.resume(),
    cancel: (reason) => body.cancel(reason),
    [Symbol.asyncIterator]() {
      const inner = body[Symbol.asyncIterator]()
      const seal = (error: unknown): IteratorResult<Uint8Array> => {
        const value = lastEvent(error)
        if (value === undefined) throw error
        return { done: false, value }
      }
      return {
        next: () => inner.next().catch(seal),
        return: () => inner.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      }
    },
  }
}

function sealedSink(sink: BodySink, lastEvent: (error: unknown) => Uint8Array | undefined): BodySink {
  return {
    write: (chunk) => sink.write(chunk),
    end: () => sink.end(),
    fail(error) {
      const event = lastEvent(error)
      if (event === undefined) return sink.fail(error)
      sink.write(event)
      sink.end()
    },
  }
}
