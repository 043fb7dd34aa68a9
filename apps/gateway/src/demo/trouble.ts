import type { Fault, SimulatedServer } from '@spillway/testing'

/** What Claude goes through in the demo, over and over; undefined is a good moment. */
const troubles: readonly (Fault | undefined)[] = [
  undefined,
  { type: 'slow-first-token', ms: Number.POSITIVE_INFINITY },
  undefined,
  { type: 'status', status: 529 },
  { type: 'slow-headers', ms: Number.POSITIVE_INFINITY },
  undefined,
  { type: 'cut', at: 'before-content', how: 'reset' },
  { type: 'error-in-200', at: 'before-content', errorType: 'overloaded_error' },
  { type: 'status', status: 429, retryAfter: 30 },
]

const progress = new WeakMap<SimulatedServer, number>()

/** Puts the next trouble of the script before the simulated Claude's next answer. */
export function scriptTrouble(claude: SimulatedServer): void {
  const step = progress.get(claude) ?? 0
  progress.set(claude, step + 1)
  claude.always(troubles[step % troubles.length])
}
