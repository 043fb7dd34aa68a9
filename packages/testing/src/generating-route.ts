import {
  type Answer,
  type Call,
  type Dialect,
  errorAnswer,
  type Frame,
  fieldsOf,
  jsonAnswer,
  type Refusal,
  type Route,
} from './answer.ts'
import type { FullReply } from './reply.ts'
import { isAnswer, type WireLimits } from './wire-limits.ts'

/** An endpoint at which a model answers. */
export interface GeneratingRoute {
  readonly dialect: Dialect
  /** What is wrong with a request. */
  readonly refuse: (call: Call) => Refusal | undefined
  readonly plan: (call: Call) => FullReply
  /** The body of a whole answer, and the pieces of a stream. */
  readonly whole: (call: Call, reply: FullReply) => string
  readonly frames: (call: Call, reply: FullReply) => Frame[]
  /** Whether a stream is asked for. @default as `stream` of the body says */
  readonly isStream?: (call: Call) => boolean
  readonly streamHeaders?: Readonly<Record<string, string>>
  /** Hears of each answer. */
  readonly done?: ((call: Call, reply: FullReply) => void) | undefined
  readonly limits?: WireLimits | undefined
}

export function generatingRoute(endpoint: GeneratingRoute): Route {
  const { dialect, refuse, plan, isStream = asksForStream, limits } = endpoint
  return {
    dialect,
    generates: true,
    answer(call): Answer {
      const refused = refuse(call)
      if (refused !== undefined) return errorAnswer(dialect, call, refused)
      const planned = plan(call)
      const entered = limits?.generation(call, planned)
      if (entered !== undefined && isAnswer(entered)) return entered
      const reply = entered?.reply ?? planned
      endpoint.done?.(call, reply)
      const headers = { ...dialect.headers(call), ...entered?.headers }
      const answer: Answer = isStream(call)
        ? {
            status: 200,
            contentType: dialect.streamType,
            headers: { ...headers, ...endpoint.streamHeaders },
            body: endpoint.frames(call, reply),
          }
        : jsonAnswer(endpoint.whole(call, reply), headers)
      return entered?.counted(answer) ?? answer
    },
  }
}

function asksForStream({ request }: Call): boolean {
  return fieldsOf(request.json).stream === true
}
