import { fallback, target, timeouts } from '@spillway/circuit-breaker-fallback'
import { compose, type Handler, type Timeouts } from '@spillway/middleware'
import { retry, retryDefaults } from '@spillway/retry'

/** A way of calling Claude. */
export type WayName = 'direct' | 'chain' | 'fallback'

/** All ways in the order of the report. */
export const wayNames: readonly WayName[] = ['direct', 'chain', 'fallback']

/** What a reader sees of a way. */
export const wayTitles: Readonly<Record<WayName, string>> = {
  direct: 'direct',
  chain: 'chain, no fallback',
  fallback: 'chain with fallback',
}

/**
 * The one limit that is not a default, for every way, so that they differ in the policies alone. It ends calls that
 * are not streamed and have stalled, for which by default only the ten minutes of the whole call would.
 */
export const limits = { attempt: 60_000 } satisfies Partial<Timeouts>

/** Everything that a way is made of. The policies have their default options. */
export function wayOf(name: WayName, claude: Handler, local: Handler): Handler {
  switch (name) {
    case 'direct':
      return compose([timeouts(limits)], claude)
    case 'chain':
      return compose([timeouts(limits), retry()], claude)
    case 'fallback':
      return compose([timeouts(limits), fallback([target('local', local)]), retry()], claude)
  }
}

/** Retries for each call, and to begin with: the default budget. */
export const budget = { ratio: Number(retryDefaults.budget), initial: 10 }

/** How long the local model takes for an answer, in milliseconds. */
export const localLatency = 300
