import type { Fault } from '@spillway/testing'
import { randomFor } from '../seeded-random.ts'
import { type UsageKind, usageKindOf } from './usage-kinds.ts'

/** What becomes of one call. */
export type Course =
  | 'answered'
  | 'retried'
  | 'taken-over'
  | 'failed'
  | 'cut'
  | 'cut-early'
  | 'reset'
  | 'error-inside'
  | 'left-early'
  | 'left-late'
  | 'left-inside'
  | 'hedge-wins'
  | 'hedge-loses'

/** One call of the mix. All of it follows from the seed and the call's number. */
export interface CallPlan {
  readonly index: number
  readonly course: Course
  readonly api: 'anthropic' | 'openai'
  readonly stream: boolean
  readonly model: string
  readonly key: string
  /** What goes wrong with the mirror's candidate. */
  readonly candidate: Fault | undefined
  /** Who is asked first: Claude, or a server that speaks chat completions alone. */
  readonly vendor: 'claude' | 'chat'
  /** Drawn for the usage of the call's answers. */
  readonly size: number
  /** What the vendor did for them besides. */
  readonly usageKind: UsageKind
}

const shares: readonly (readonly [Course, number])[] = [
  ['retried', 0.1],
  ['taken-over', 0.06],
  ['failed', 0.03],
  ['cut', 0.06],
  ['cut-early', 0.04],
  ['reset', 0.03],
  ['error-inside', 0.03],
  ['left-early', 0.03],
  ['left-late', 0.02],
  ['left-inside', 0.05],
  ['hedge-wins', 0.04],
  ['hedge-loses', 0.03],
]

/** What the target with hedges is asked for; the endpoints of the other are left out now and then for their failures. */
export const hedgedModel = 'claude-opus-4-8'

/** What the target that speaks chat completions is asked for. */
export const chatModel = 'gpt-agreement'
const chatShare = 0.15

const hedgedCourses: readonly Course[] = ['left-late', 'hedge-wins', 'hedge-loses']

export const isHedged = ({ course }: Pick<CallPlan, 'course'>): boolean => hedgedCourses.includes(course)

const models = ['claude-sonnet-5-5', 'claude-opus-5-5', 'claude-haiku-4-5', 'claude-haiku-5-5'] as const

/** @param index from 0 */
export function planOf(seed: number, index: number): CallPlan {
  const random = randomFor(seed, index)
  const course = drawn(random())
  const candidateDraw = random()
  // The stream of another key: the other draws stay what they were.
  const vendor = !isHedged({ course }) && randomFor(seed, index, 1)() < chatShare ? 'chat' : 'claude'
  return {
    index,
    course,
    vendor,
    api: random() < 0.7 ? 'anthropic' : 'openai',
    stream: ['cut', 'error-inside', 'left-inside'].includes(course) || random() < 0.5,
    model: modelFor({ course, vendor }, random),
    key: `sk-agreement-${Math.floor(random() * 5)}`,
    candidate:
      candidateDraw < 0.05
        ? { type: 'status', status: 500 }
        : candidateDraw < 0.1
          ? { type: 'cut', at: 'after-content', how: 'reset' }
          : undefined,
    size: random(),
    usageKind: usageKindOf(random()),
  }
}

function modelFor({ course, vendor }: Pick<CallPlan, 'course' | 'vendor'>, random: () => number): string {
  if (isHedged({ course })) return hedgedModel
  const model = models[Math.floor(random() * models.length)] as string
  return vendor === 'chat' ? chatModel : model
}

function drawn(chance: number): Course {
  let sum = 0
  for (const [course, share] of shares) {
    sum += share
    if (chance < sum) return course
  }
  return 'answered'
}

/** How many attempts a target makes, the first included. */
export const attemptsOfTarget = 2

const held: Fault = { type: 'slow-headers', ms: Infinity }
const statuses = [529, 429, 500, 503]

/**
 * The fault of one attempt at the first target.
 * @param number 1 for its first attempt of this call
 * @param hedgeAfter how long the gateway waits before it hedges, in milliseconds
 */
export function faultOf(plan: CallPlan, number: number, hedgeAfter: number): Fault | undefined {
  const status: Fault = { type: 'status', status: statuses[plan.index % statuses.length] as number }
  const how = plan.index % 2 === 0 ? 'end' : 'reset'
  switch (plan.course) {
    case 'answered':
      return undefined
    case 'retried':
      return number === 1 ? status : undefined
    case 'taken-over':
    case 'failed':
      return status
    case 'cut':
      return { type: 'cut', at: plan.index % 3 === 0 ? 'mid-event' : 'after-content', how }
    case 'cut-early':
      return number === 1 ? { type: 'cut', at: 'before-content', how } : undefined
    case 'reset':
      return number === 1 ? { type: 'reset' } : undefined
    case 'error-inside':
      return { type: 'error-in-200', at: 'after-content' }
    case 'left-early':
    case 'left-late':
      return held
    case 'left-inside':
      return { type: 'stall', afterChunks: 3, ms: Infinity }
    case 'hedge-wins':
      return number === 1
        ? plan.index % 2 === 0
          ? { type: 'slow-headers', ms: hedgeAfter * 5 }
          : { type: 'slow-first-token', ms: hedgeAfter * 5 }
        : undefined
    case 'hedge-loses':
      return number === 1 ? { type: 'slow-headers', ms: hedgeAfter * 1.5 } : held
  }
}
