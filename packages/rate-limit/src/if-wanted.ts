import type { Clock } from '@spillway/middleware'
import type { Lease } from './admission.ts'

/**
 * A lease that comes after the caller has left is given back at once.
 * @throws the signal's reason then
 */
export async function ifWanted(
  answer: Promise<Lease | undefined>,
  { signal, clock }: { readonly signal: AbortSignal | undefined; readonly clock: Clock },
): Promise<Lease | undefined> {
  const lease = await answer
  if (!signal?.aborted) return lease
  lease?.settle(undefined, clock.now())
  throw signal.reason
}
