import type { Clock } from '@spillway/middleware'
import type { Lease } from './admission.ts'
import type { Cost } from './limits.ts'
import type { Queued, WaitingQueue } from './waiting-queue.ts'

/** A call that would like to wait. */
export interface WaitingCall {
  readonly cost: Cost
  /** 0 goes first, 9 last; rounded. What is not a number counts as 5. */
  readonly priority: number
  /** How long it will wait at most, in milliseconds, from `since` on. */
  readonly patience: number
  /** When it began to wait, on its clock. @default now */
  readonly since?: number
  /** For how long its cost is known, in milliseconds; after that it has to enter again. @default for ever */
  readonly holdsFor?: number | undefined
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

/** Why a call was not admitted, and when another one may be, in milliseconds. */
export interface TurnedAway {
  readonly reason: 'full' | 'too_long' | 'impatient' | 'outdated'
  readonly retryAfterMs: number
}

/** The queue of a limit group. */
export type Lane = WaitingQueue<Waiter>

/** A call that waits. */
export interface Waiter extends Omit<WaitingCall, 'since'>, Queued {
  readonly lane: Lane
  /** Whether others may be served when it leaves: it was first and had to wait on. */
  isBlocked: boolean
  /** The earliest time at which it was ever sure to be admitted, on its clock. */
  sureAt: number
  /** Since when it has been first and could be passed, on its clock. */
  passedSince: number | undefined
  fail(error: unknown): void
  admit(lease: Lease): void
}

/** How long a call still waits, in milliseconds. */
export function leftOf({ patience, since, clock }: WaitingCall): number {
  return since === undefined ? patience : patience - (clock.now() - since)
}
