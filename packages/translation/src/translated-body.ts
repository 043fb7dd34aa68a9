import { isStreamFailure, type ResponseBody, StreamFailure } from '@spillway/middleware'
import { BodyChannel } from '@spillway/middleware/kit'
import { malformedFailure } from '@spillway/wire'
import type { StreamTranslator } from './protocols/stream-translator.ts'

/**
 * A stream's body in the protocol of the caller. Back-pressure and cancelling go through to the upstream. A body that
 * breaks off still does: the surface ends it with an error event in the caller's protocol.
 * @param done called once when the stream has ended well
 */
export function translatedBody(
  body: ResponseBody,
  translator: StreamTranslator,
  done: () => void,
): ResponseBody {
  const channel = new BodyChannel({
    pause: () => {},
    resume: () => body.resume(),
    cancel: (reason) => body.cancel(reason),
  })
  body.pipe({
    write(chunk) {
      try {
        channel.push(translator.push(chunk))
      } catch (error) {
        const why = error instanceof RangeError ? error.message : 'an event has an unknown form'
        const failure = malformedFailure(`the stream cannot be translated: ${why}`)
        channel.fail(new StreamFailure(failure, undefined, translator.place))
        body.cancel()
      }
      return !channel.paused
    },
    end() {
      channel.push(translator.end())
      done()
      channel.end()
    },
    // The upstream's own error event is in its own protocol: it is rendered again from the failure.
    fail(error) {
      const isBroken = isStreamFailure(error)
      channel.fail(isBroken ? new StreamFailure(error.failure, undefined, translator.place) : error)
    },
  })
  return channel
}
