import type { Outcome } from '@spillway/middleware'
import type { VendorLimit } from '@spillway/wire'
import type { Cost, Limits, WindowName } from './limits.ts'

/** The room that a call holds from its admission to its settlement. */
export interface Lease {
  /**
   * The call is over and this is what it took. The first settlement counts, further ones change nothing.
   * @param actual undefined when nothing was sent: everything is given back
   * @param outcome undefined when nobody knows; only an adaptive concurrency learns from it
   */
  settle(actual: Cost | undefined, now: number, outcome?: Pick<Outcome, 'failure' | 'timings'>): void
}

/** What is spent and what is allowed, for people and metrics. */
export type Headroom = Partial<Record<keyof Limits, { readonly used: number; readonly limit: number }>>

/**
 * Who admits the calls of one key: the limits in this process ({@link Limiter}), or those that several processes share.
 * All times are of the clock that the calls run on.
 */
export interface Admission {
  /** Calls of this process under way. */
  readonly inFlight: number
  /**
   * Admits a call if there is room for it now; undefined otherwise. Answers at once where it can, with a promise where
   * it has to ask; that promise never rejects.
   */
  tryAcquire(cost: Cost, now: number): Lease | undefined | Promise<Lease | undefined>
  /**
   * Milliseconds until there is room for `cost` and for those calls that wait before it, as far as anyone can tell; 0 when there is
   * some now, or when all that is missing is the end of a call in this process.
   */
  timeUntil(cost: Cost, now: number, before?: readonly Cost[]): number
  /** Calls back whenever a call gives its place back; returns how to stop that. */
  onRelease(callback: () => void): () => void
  /** Lets nothing pass until `at`, or for as long as the limits may be closed at most if that is less. */
  closeUntil(at: number, now: number): void
  /**
   * Takes over what the vendor says of one of its limits, where that is less than what is known here: somebody else may
   * be using the same key.
   */
  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number): void
  headroom(now: number): Headroom
  /** Nobody will ask again: lets go of what it listens to. */
  close(): void
}
