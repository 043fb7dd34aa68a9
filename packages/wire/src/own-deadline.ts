import type { Failure } from '@spillway/middleware'

/** A call that had twice the usual time and got nothing shows that the endpoint is slow. */
const patience = 2

/** What counts as enough time while no answer has been seen yet, in milliseconds. */
const unknownTime = 5_000

/**
 * Whether a call's own deadline expired before it had waited for long enough to say anything about the endpoint.
 * @param waited how long it had waited, in milliseconds
 * @param usual how long healthy answers take to begin, in milliseconds; 0 while none has been seen
 */
export function wasCutShort(failure: Failure | undefined, waited: number, usual: number): boolean {
  if (failure?.kind !== 'timeout' || failure.phase !== 'total') return false
  return waited < (usual === 0 ? unknownTime : patience * usual)
}
