import type { Clock } from './clock.ts'

/** A moment in {@link Clock.now} time, in milliseconds; Infinity for none. */
export type Deadline = number

/** No deadline at all. */
export const noDeadline: Deadline = Infinity

/** Milliseconds left until the deadline; 0 when it has passed. */
export function timeLeft(deadline: Deadline, clock: Clock): number {
  return deadline === Infinity ? Infinity : Math.max(0, deadline - clock.now())
}
