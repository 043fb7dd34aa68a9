import type { Fault } from '@spillway/testing'
import type { Shape } from './shape.ts'

/** A fault, or one that depends on the time, in milliseconds since the Unix epoch. */
export type FaultSource = Fault | ((epoch: number) => Fault)

/** What one attempt that meets a fault comes to, by the specification. */
export type Effect = Answers | Fails | Breaks | LeftOut

/** Late or slow, and yet an answer. */
export interface Answers {
  readonly does: 'answer'
}

/** No answer, found out before the caller has seen anything. */
export interface Fails {
  readonly does: 'fail'
  /** The status that the caller gets when no attempt helps. */
  readonly status: number
  /** `no`: asking again cannot help. `deadline`: there is no time left to. */
  readonly retry: 'yes' | 'no' | 'deadline'
  /** The request is at fault, so that no other target is asked either. */
  readonly callerError?: boolean
  /** A timeout goes to a fallback at once, where there is one. */
  readonly timeout?: boolean
  /** The caller gets the upstream's error byte for byte. */
  readonly passes?: boolean
  /** The upstream would go on for ever; its connection must be closed so soon after the request, in milliseconds. */
  readonly closedAfter?: number
  /** So soon must the caller have the last word, in milliseconds. @default the total limit */
  readonly within?: number
}

/** A stream that fails after its first content. */
export interface Breaks {
  readonly does: 'break'
  readonly closedAfter?: number
}

/** A combination that makes no sense, and the rule that says so. */
export interface LeftOut {
  readonly does: 'nothing'
  readonly rule: string
}

/** One kind of trouble, from which rows are made. */
export interface FaultEntry {
  readonly name: string
  readonly group: string
  /** `stop`: nothing listens at the address of the upstream. */
  readonly fault: FaultSource | 'stop'
  readonly effect: Effect | ((shape: Shape) => Effect)
  /** @default all in which nothing is translated */
  readonly shapes?: readonly Shape[]
  /** The report of a user of another gateway that this is about. */
  readonly complaint?: string
  /** A row with the fault on two attempts, too: one for each kind of failure. */
  readonly twice?: boolean
  /** Only on every attempt. */
  readonly onlyAlways?: boolean
  /** Replaces the limits of one attempt, in milliseconds. */
  readonly attemptLimit?: number
}

export const answers: Answers = { does: 'answer' }

export const breaks: Breaks = { does: 'break' }

export function leftOut(rule: string): LeftOut {
  return { does: 'nothing', rule }
}

/** A failure that another attempt may well cure. */
export function transient(status: number, more: Partial<Fails> = {}): Fails {
  return { does: 'fail', status, retry: 'yes', ...more }
}

/** A failure that no other attempt at the same target cures. */
export function permanent(status: number, more: Partial<Fails> = {}): Fails {
  return { does: 'fail', status, retry: 'no', ...more }
}
