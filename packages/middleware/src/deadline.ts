import type { Clock } from './clock.ts'
import type { ModelRequest } from './request.ts'

/** A moment in {@link Clock.now} time, in milliseconds; Infinity for none. */
export type Deadline = number

/** No deadline at all. */
export const noDeadline: Deadline = Infinity

/** Milliseconds left until the deadline; 0 when it has passed. */
export function timeLeft(deadline: Deadline, clock: Clock): number {
  return deadline === Infinity ? Infinity : Math.max(0, deadline - clock.now())
}

/** How long a policy lets calls wait, in milliseconds. */
export interface WaitLimits {
  readonly maxWait: number
  /** The same for a call that a fallback can answer. */
  readonly maxWaitWithFallback: number
}

/** How long this call may wait at most, in milliseconds: its deadline may allow less than the policy. */
export function longestWait(
  { context, deadline, clock }: Pick<ModelRequest, 'context' | 'deadline' | 'clock'>,
  { maxWait, maxWaitWithFallback }: WaitLimits,
): number {
  const longest = context.hasAlternative ? Math.min(maxWait, maxWaitWithFallback) : maxWait
  return Math.min(longest, timeLeft(deadline, clock))
}
