import {
  type Fault,
  type RecordedRequest,
  type Reply,
  type SimulatedServer,
  startClaude,
  startOllama,
  startOpenRouter,
} from '@spillway/testing'
import { type CallPlan, chatModel, faultOf, isHedged, planOf } from './call-plan.ts'
import { type Reported, reportedPrice } from './price.ts'
import { type Charged, toldBy } from './usage-kinds.ts'

export type Role = 'primary' | 'retry' | 'fallback' | 'hedge' | 'mirror'

/**
 * What the upstream can say of the usage of an attempt: the whole of it has been told; a stream that told a part of it was
 * left unfinished, or whoever asked left before an answer; or nothing was told.
 */
export type Telling = 'exact' | 'estimated' | 'none'

/** One request as an upstream saw it. */
export interface Seen {
  readonly plan: CallPlan
  readonly role: Role
  readonly target: 'claude' | 'hedged' | 'chat' | 'router' | 'candidate'
  readonly request: RecordedRequest
  readonly charged: Charged
}

/** The upstreams of a run and all that they saw. */
export interface Upstreams extends AsyncDisposable {
  readonly claude: readonly SimulatedServer[]
  readonly hedged: readonly SimulatedServer[]
  readonly chat: readonly SimulatedServer[]
  readonly router: SimulatedServer
  readonly candidate: SimulatedServer
  readonly seen: readonly Seen[]
  /** Resolves when so many requests of a call have come to the first target. */
  arrived(index: number, count: number): Promise<void>
}

/** Starts two endpoints for each of three targets, two of Claude and one of chat completions, the target that takes over, and the mirror's candidate. */
export async function startUpstreams(seed: number, hedgeAfter: number): Promise<Upstreams> {
  const seen: Seen[] = []
  const atFirst = new Map<number, number>()
  const atRouter = new Map<number, number>()
  const charges = new WeakMap<RecordedRequest, Charged>()
  const waiting = new Map<number, { count: number; resolve: () => void }>()

  const replyOf =
    (vendor: 'claude' | 'chat' | 'router') =>
    (request: RecordedRequest): Reply => {
      const plan = planOfRequest(request)
      const { reply, charged } = toldBy(vendor, plan, usageOf(plan, seen.length))
      charges.set(request, charged)
      return reply
    }
  /** Servers ask for the fault before the reply, so the usage is looked up when all is over. */
  const see = (request: RecordedRequest, plan: CallPlan, role: Role, target: Seen['target']): void => {
    seen.push({
      plan,
      role,
      target,
      request,
      get charged() {
        return charges.get(request) as Charged
      },
    })
  }
  const planOfRequest = (request: RecordedRequest): CallPlan =>
    planOf(seed, Number(/call number (\d+)/.exec(Buffer.from(request.body).toString())?.[1]))
  const count = (counts: Map<number, number>, index: number): number => {
    const number = (counts.get(index) ?? 0) + 1
    counts.set(index, number)
    return number
  }

  const first = (request: RecordedRequest): Fault | undefined => {
    const plan = planOfRequest(request)
    const number = count(atFirst, plan.index)
    const hedged = isHedged(plan)
    const role = number === 1 ? 'primary' : hedged ? 'hedge' : 'retry'
    see(request, plan, role, hedged ? 'hedged' : plan.vendor)
    const waiter = waiting.get(plan.index)
    if (waiter !== undefined && number >= waiter.count) waiter.resolve()
    return faultOf(plan, number, hedgeAfter)
  }
  const pair = () => Promise.all([1, 2].map(() => startClaude({ reply: replyOf('claude'), fault: first })))
  const chatServer = () =>
    startOllama({ models: [chatModel], anthropic: false, reply: replyOf('chat'), fault: first })
  const chatPair = () => Promise.all([chatServer(), chatServer()])
  const [claude, hedged, chat] = await Promise.all([pair(), pair(), chatPair()])
  const router = await startOpenRouter({
    reply: replyOf('router'),
    fault: (request) => {
      const plan = planOfRequest(request)
      const isFirst = count(atRouter, plan.index) === 1
      see(request, plan, isFirst ? (atFirst.has(plan.index) ? 'fallback' : 'primary') : 'retry', 'router')
      return plan.course === 'failed' ? { type: 'status', status: 503 } : undefined
    },
  })
  const candidate = await startClaude({
    reply: replyOf('claude'),
    fault: (request) => {
      const plan = planOfRequest(request)
      see(request, plan, 'mirror', 'candidate')
      return plan.candidate
    },
  })
  return {
    claude,
    hedged,
    chat,
    router,
    candidate,
    seen,
    arrived(index, wanted) {
      if ((atFirst.get(index) ?? 0) >= wanted) return Promise.resolve()
      return new Promise((resolve) => waiting.set(index, { count: wanted, resolve }))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...claude, ...hedged, ...chat, router, candidate].map((server) => server.close()))
    },
  }
}

/** What a request's answer told of its usage: judged by the bytes that were sent. */
export function tellingOf(seen: Seen): Telling {
  const { request } = seen
  // Whoever leaves while the upstream is at work has used the prompt at least.
  const unanswered = request.closedAt === undefined ? 'none' : 'estimated'
  if (request.status !== 200) return unanswered
  const text = Buffer.from(request.sent).toString()
  if (isWhole(seen)) return text.includes('"usage":{') ? 'exact' : 'estimated'
  if (!isStream(request)) return unanswered
  // The first chunk of a chat completion has the role, and no content yet.
  return text.includes('event: message_start') || /"content":"[^"]/.test(text) ? 'estimated' : unanswered
}

/** Whether the whole of a good answer was sent. */
export function isWhole({ request }: Seen): boolean {
  if (request.status !== 200 || request.finishedAt === undefined) return false
  const text = Buffer.from(request.sent).toString()
  if (!isStream(request)) return isJson(text)
  return text.includes('event: message_stop') || text.includes('data: [DONE]')
}

function isStream({ json }: RecordedRequest): boolean {
  return (json as { stream?: boolean }).stream === true
}

function isJson(text: string): boolean {
  try {
    const { content, choices } = JSON.parse(text)
    return (content ?? choices) !== undefined
  } catch {
    return false
  }
}

/** Differs from answer to answer; cached prompts among them, and such as cost more for their length. */
function usageOf({ size, index }: CallPlan, number: number): Reported {
  const cacheWriteTokens = index % 3 === 0 ? 100 + Math.floor(size * 900) : 0
  const usage = {
    inputTokens: 1 + Math.floor(size * 5000) + (index % 11 === 0 ? 100_000 : 0) + (number % 7),
    outputTokens: 1 + Math.floor(size * 700) + (number % 5),
    cacheReadTokens: index % 2 === 0 ? 1 + Math.floor(size * 20_000) : 0,
    cacheWriteTokens,
    cacheWrite1hTokens: index % 6 === 0 ? Math.floor(cacheWriteTokens / 3) : 0,
    reasoningTokens: index % 5 === 0 ? 1 : 0,
  }
  return { ...usage, cost: reportedPrice(usage) }
}
