import type { Target } from '@spillway/attempt'
import { withDefaults } from '@spillway/middleware/kit'
import type { Comparison } from './comparison.ts'

export interface MirrorOptions {
  /** The candidate. */
  readonly to: Target
  /**
   * The share of calls that also go to the candidate, 0 to 1. A conversation is in it as a whole or not at all.
   * @default 0.05
   */
  readonly sample?: number
  /**
   * Candidate calls in flight at a time, 0 or more; further ones are dropped.
   * @default 4
   */
  readonly concurrency?: number
  /**
   * The budget: candidate calls that begin in any 60 s, 0 or more; further ones are dropped.
   * @default 60
   */
  readonly callsPerMinute?: number
  /**
   * How long a candidate may take for a whole call, in milliseconds, 0 or more.
   * @default 300000
   */
  readonly timeout?: number
  /**
   * How many bytes of a candidate's stream are read before it is cancelled, 0 or more. A stream wraps each few letters in
   * an event of 150 bytes, so that 8 MiB hold some 50,000 events. An answer that is not streamed may have 1 MiB at most.
   * @default 8388608
   */
  readonly maxBytes?: number
  /**
   * Whether the candidate serves this mirror alone. Then its calls are like any others there. Otherwise they are shadow calls
   * (`context.isShadow`), which take only what the calls of others leave: they never wait, and leave half of each limit.
   * @default false
   */
  readonly dedicated?: boolean
  /** Gets each comparison. An error that it throws is counted in {@link MirrorStats.listenerErrors} and goes no further. */
  readonly onComparison?: ((comparison: Comparison) => void) | undefined
}

/** The defaults of {@link MirrorOptions}. */
export const mirrorDefaults: Required<Omit<MirrorOptions, 'to' | 'onComparison'>> = {
  sample: 0.05,
  concurrency: 4,
  callsPerMinute: 60,
  timeout: 300_000,
  maxBytes: 8 * 1024 * 1024,
  dedicated: false,
}

export type MirrorSettings = Required<Omit<MirrorOptions, 'onComparison'>> &
  Pick<MirrorOptions, 'onComparison'>

/**
 * Fills in the defaults.
 * @throws RangeError for options out of range
 */
export function mirrorSettings(options: MirrorOptions): MirrorSettings {
  const settings = withDefaults(mirrorDefaults, options)
  for (const name of ['sample', 'concurrency', 'callsPerMinute', 'timeout', 'maxBytes'] as const) {
    const value = settings[name]
    if (!(value >= 0)) throw new RangeError(`mirror.${name} must be 0 or more, but is ${value}`)
  }
  if (settings.sample > 1) {
    throw new RangeError(`mirror.sample must be a share from 0 to 1, but is ${settings.sample}`)
  }
  return settings
}
