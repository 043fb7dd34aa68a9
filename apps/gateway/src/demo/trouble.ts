import type { Fault, SimulatedServer } from '@spillway/testing'

interface Trouble {
  /** Befalls one attempt. */
  readonly once?: Fault
  /** Befalls all attempts of a call. */
  readonly lasting?: Fault
}

/** What Claude goes through in the demo, call by call, over and over. */
const troubles: readonly Trouble[] = [
  {},
  { lasting: { type: 'slow-first-token', ms: Number.POSITIVE_INFINITY } },
  { once: { type: 'status', status: 529 } },
  { lasting: { type: 'status', status: 529 } },
  {},
  { lasting: { type: 'slow-headers', ms: Number.POSITIVE_INFINITY } },
  { once: { type: 'cut', at: 'before-content', how: 'reset' } },
  { lasting: { type: 'error-in-200', at: 'before-content', errorType: 'overloaded_error' } },
  {},
  { lasting: { type: 'status', status: 429, retryAfter: 30 } },
]

/** Lets the trouble of the script that belongs to a call befall the simulated Claude. */
export function scriptTrouble(claude: SimulatedServer, call: number): void {
  const { once, lasting } = troubles[call % troubles.length] as Trouble
  if (once !== undefined) claude.next(once)
  claude.always(lasting)
}
