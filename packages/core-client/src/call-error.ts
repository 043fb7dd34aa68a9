import { type Failure, SpillwayError } from '@spillway/middleware'
import type { RecordedRequest } from '@spillway/middleware/kit'

/** The error of a call that ended in `failure`; it tells of all that its targets have said. */
export function callError({ context: { record } }: RecordedRequest, failure: Failure): SpillwayError {
  return new SpillwayError(failure, { callId: record.callId, attempts: record.reports })
}
