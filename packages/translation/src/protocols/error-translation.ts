import type { Api } from '@spillway/middleware'
import {
  classifyErrorBody,
  classifyHttpError,
  type RenderedError,
  renderError,
  renderErrorEvent,
} from '@spillway/wire'
import { wordedFor } from '@spillway/wire/internal'

/**
 * Translates an error body for the callers of another protocol. The message stays the vendor's, but for a prompt that is
 * too long: clients compact their conversation when they read the words that they know.
 * @param status the HTTP status; undefined for an error inside a 200
 */
export function errorTo(api: Api, body: unknown, status: number | undefined): RenderedError {
  const failure = status === undefined ? classifyErrorBody(body) : classifyHttpError(status, {}, body, 0)
  return renderError(api, wordedFor(api, failure))
}

/** The same for an error event of a stream. */
export function errorEventTo(api: Api, body: unknown): Uint8Array {
  return renderErrorEvent(api, wordedFor(api, classifyErrorBody(body)))
}
