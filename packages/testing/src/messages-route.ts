import {
  type Answer,
  type Call,
  type Dialect,
  errorAnswer,
  fieldsOf,
  jsonAnswer,
  modelOf,
  type Route,
  type WireError,
} from './answer.ts'
import { type MessageFlavour, messageBody, messageFrames } from './anthropic-message.ts'
import { type FullReply, fullReply } from './reply.ts'
import type { ServerOptions } from './simulated-server.ts'
import { isAnswer, type WireLimits } from './wire-limits.ts'

/** The Messages endpoint of any vendor. `refuse` says what is wrong with a request. */
export function messagesRoute(
  options: ServerOptions,
  dialect: Dialect,
  flavour: MessageFlavour,
  refuse: (call: Call) => (WireError & { readonly status: number }) | undefined,
  done?: (call: Call, reply: FullReply) => void,
  limits?: WireLimits,
  plan: (call: Call) => FullReply = (call) => replyTo(call, options),
): Route {
  return {
    dialect,
    generates: true,
    answer(call): Answer {
      const refused = refuse(call)
      if (refused !== undefined) return errorAnswer(dialect, call, refused)
      const { stream, max_tokens } = fieldsOf(call.request.json)
      const planned = max_tokens === 0 ? nothing(call) : plan(call)
      const entered = limits?.generation(call, planned)
      if (entered !== undefined && isAnswer(entered)) return entered
      const reply = entered?.reply ?? planned
      done?.(call, reply)
      const model = modelOf(call)
      const headers = { ...dialect.headers(call), ...entered?.headers }
      const answer: Answer =
        stream === true
          ? {
              status: 200,
              contentType: dialect.streamType,
              headers,
              body: messageFrames(call, model, reply, flavour),
            }
          : jsonAnswer(messageBody(call, model, reply, flavour), headers)
      return entered?.counted(answer) ?? answer
    },
  }
}

/** What the options say to a call. */
export function replyTo({ request }: Call, { reply = plainReply, chunks }: ServerOptions): FullReply {
  return fullReply(typeof reply === 'function' ? reply(request) : reply, chunks, request.json)
}

const plainReply = {}
const emptyReply = { text: '', stopReason: 'max_tokens', usage: { outputTokens: 0 } }

/** The answer to a request that only warms the prompt cache. */
function nothing({ request }: Call): FullReply {
  return fullReply(emptyReply, undefined, request.json)
}
