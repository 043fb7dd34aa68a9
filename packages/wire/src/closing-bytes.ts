import type { Api, StreamFailure } from '@spillway/middleware'
import type { Venue } from '@spillway/middleware/kit'
import { renderErrorEvent } from './error-rendering.ts'
import { responseFailedEvent } from './responses-errors.ts'

const failed = Buffer.from('response.failed')

/**
 * How a stream ends that has broken off: with the upstream's own error event, or with one of ours. In OpenAI Responses an
 * `error` event alone is none for clients that wait for `response.failed`, so that follows where the upstream's has not come.
 */
export function closingBytes(api: Api, error: StreamFailure, venue?: Venue): Uint8Array {
  const { eventBytes, failure, place } = error
  if (eventBytes === undefined) return renderErrorEvent(api, failure, { venue, place })
  if (api !== 'responses' || Buffer.from(eventBytes).includes(failed)) return eventBytes
  return Buffer.concat([eventBytes, Buffer.from(responseFailedEvent(failure, place ?? {}))])
}
