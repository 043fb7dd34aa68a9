import type { ServerResponse } from 'node:http'
import type { CallerProtocol } from '@spillway/attempt'
import { renderErrorEvent } from '@spillway/wire'
import { callerError, refuse } from './refusal.ts'

const revoked = callerError('authentication', 'the key of this client was revoked during the call', 401)

/**
 * Ends an answer whose client was revoked: with 401 where nothing is sent yet, else with an error event. What of the stream comes afterwards
 * must be cancelled at once.
 */
export function endRevoked(res: ServerResponse, spoken: CallerProtocol): void {
  if (!res.headersSent) return refuse(res, spoken, revoked, { 'x-should-retry': 'false' })
  if (!res.writableEnded) res.end(renderErrorEvent(spoken.api, revoked, { venue: spoken.venue }))
}
