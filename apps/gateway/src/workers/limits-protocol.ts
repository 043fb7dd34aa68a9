import type { Cost, LimitRules, Limits, VendorFeedback, WindowName } from '@spillway/rate-limit'
import type { VendorLimit } from '@spillway/wire'
import { type Note, note, type Question, question } from './channel.ts'

/** How a worker calls the limits of a key, or a lease: a number of its own choosing, so that it need not wait to be given one. */
type Handle = number

/** What a call takes, without names: one goes with each call. */
export type SentCost = readonly [
  inputTokens: number,
  outputTokens: number,
  group: string,
  predictedInput?: number,
  predictedOutput?: number,
]

/** A call that waits and may be passed. Times go as durations: each process has its own clock. */
export interface SentBeside {
  readonly cost: SentCost
  readonly inMs: number
  readonly isHoping: boolean
}

/** What the primary says of an admission. */
export interface Admitted {
  readonly isAdmitted: boolean
  /** Of a refused one: milliseconds until the windows have capacity, and the same if all in flight settled now. */
  readonly wait: number
  readonly soonest: number
  /** Calls in flight of all workers. */
  readonly inFlight: number
  /** What is used of each window of the group, in the order of {@link windowNames}. */
  readonly used: readonly number[]
}

export const openLimits: Note<
  readonly [key: Handle, name: string, limits: Limits, rules: Partial<LimitRules>]
> = note('limits.open')
/** The lease has the number that the worker gives it. What it no longer waits for, it settles as not sent. */
export const acquire: Question<
  readonly [key: Handle, lease: Handle, cost: SentCost, beside?: SentBeside],
  Admitted
> = question('limits.acquire')
/** Without tokens: nothing was sent. */
export const settle: Note<readonly [lease: Handle, inputTokens?: number, outputTokens?: number]> =
  note('limits.settle')
export const observe: Note<readonly [lease: Handle, answer: VendorFeedback]> = note('limits.observe')
export const shut: Note<readonly [key: Handle, ms: number, group: string]> = note('limits.shut')
export const openAgain: Note<readonly [key: Handle]> = note('limits.open-again')
export const learn: Note<
  readonly [key: Handle, name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, group: string]
> = note('limits.learn')
/** What was admitted without the primary. */
export const spent: Note<
  readonly [key: Handle, group: string, calls: number, inputTokens: number, outputTokens: number]
> = note('limits.spent')
/** Whether the worker wants to hear of capacity that is given back. */
export const awaited: Note<readonly [key: Handle, isAwaited: boolean]> = note('limits.await')
export const closeLimits: Note<readonly [key: Handle]> = note('limits.close')
/** To a worker: there may be capacity again. */
export const released: Note<readonly [key: Handle]> = note('limits.released')

export function sentCost({ inputTokens, outputTokens, group = '', predicted }: Cost): SentCost {
  if (predicted === undefined) return [inputTokens, outputTokens, group]
  return [inputTokens, outputTokens, group, predicted.inputTokens, predicted.outputTokens]
}

export function readCost([
  inputTokens,
  outputTokens,
  group,
  predictedInput,
  predictedOutput,
]: SentCost): Cost {
  const predicted =
    predictedInput === undefined
      ? undefined
      : { inputTokens: predictedInput, outputTokens: predictedOutput ?? 0 }
  return { inputTokens, outputTokens, group, predicted }
}

/** The windows, in the order in which their use is sent, and their lengths in milliseconds. */
export const windowLengths: Readonly<Record<WindowName, number>> = {
  requestsPerSecond: 1_000,
  requestsPerMinute: 60_000,
  inputTokensPerMinute: 60_000,
  outputTokensPerMinute: 60_000,
}

/** The windows of some limits, in that order. */
export function windowsOf(limits: Limits): readonly WindowName[] {
  return (Object.keys(windowLengths) as WindowName[]).filter((name) => limits[name] !== undefined)
}
