import type { Outcome } from '@spillway/middleware'
import type { VendorLimit } from '@spillway/wire'
import type { Ahead, Cost, Limits, VendorFeedback, VendorQuota, WindowName } from './limits.ts'

/** The capacity that a call holds from its admission to its settlement. */
export interface Lease {
  /**
   * The vendor has answered, and this is what the answer says of the vendor's limits. It contains the calls that were
   * admitted before this one, and perhaps later ones: an older answer never raises what a newer one has said.
   */
  observe?(answer: VendorFeedback, now: number): void
  /**
   * The call is over and this is what it took. The first settlement counts, further ones change nothing.
   * @param actual undefined when nothing was sent: everything is given back
   * @param outcome undefined when unknown; only an adaptive concurrency learns from it
   */
  settle(actual: Cost | undefined, now: number, outcome?: Pick<Outcome, 'failure' | 'timings'>): void
}

/** What is spent and what is allowed, for people and metrics. */
export type Headroom = Partial<Record<keyof Limits, { readonly used: number; readonly limit: number }>>

/** One limit group of the vendor, for people and metrics. */
export interface GroupState {
  /** A family of models or a model; `''` where calls are not told apart. */
  readonly group: string
  /** What is spent of the windows. */
  readonly headroom: Headroom
  /** Milliseconds until a vendor's 429 ends; 0 where there is none. */
  readonly closedMs: number
  /** What the vendor said last, less what was admitted since. */
  readonly vendor: readonly VendorQuota[]
}

/** A call that waits and may be passed by a later one, but not pushed back beyond a time. */
export interface Beside {
  readonly cost: Cost
  /** When the limits must still have capacity for it, of the clock that the calls run on. */
  readonly by: number
  /** Whether it waits for calls in flight to settle: its capacity by then is counted as if all had, at what is predicted. */
  readonly isHoping: boolean
}

/**
 * Who admits the calls of one key: the limits in this process ({@link Limiter}), or those that several processes share.
 * All times are of the clock that the calls run on.
 */
export interface Admission {
  /** Calls of this process in flight. */
  readonly inFlight: number
  /**
   * Admits a call if there is capacity for it now; undefined otherwise. Answers at once where it can, with a promise where
   * it has to ask; that promise never rejects.
   * @param beside a call that has waited for longer: the new one is admitted only where it does that one no harm
   */
  tryAcquire(cost: Cost, now: number, beside?: Beside): Lease | undefined | Promise<Lease | undefined>
  /**
   * Milliseconds until there is capacity for `cost` and for what goes before it in its group, if every call in flight takes
   * what is reserved for it; 0 when there is some now, or when all that is missing is the end of a call in this process.
   */
  timeUntil(cost: Cost, now: number, ahead?: Ahead): number
  /** The same at the earliest: if every call in flight settles now, at what is predicted, or at nothing where nothing is. */
  soonest(cost: Cost, now: number, ahead?: Ahead): number
  /** Calls back whenever a call gives its place back, or a closure ends early; returns how to stop that. */
  onRelease(callback: () => void): () => void
  /**
   * Lets nothing of a group pass until `at`, or for as long as the limits may be closed at most if that is less. Of closures
   * longer than a minute, one call each minute passes nevertheless; its success opens them.
   */
  closeUntil(at: number, now: number, group?: string): void
  /** Ends all closures and forgets what the vendor has said. */
  open(): void
  /**
   * Takes over what the vendor says of one of its limits, as of now. It is compared with what calls ask: others may be using
   * the same key, and their use is not booked here.
   */
  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number, group?: string): void
  /** What is used of each limit; of the windows, those of a group, or of the group that has used most. */
  headroom(now: number, group?: string): Headroom
  /** The limit groups that are in use. */
  groups(now: number): readonly GroupState[]
  /** Whether forgetting all that is counted here would change nothing: nothing is used, and nothing is closed. */
  isIdle(now: number): boolean
  /** It will not be used again: removes its listeners. */
  close(): void
}
