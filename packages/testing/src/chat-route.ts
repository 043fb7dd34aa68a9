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
import { replyTo } from './messages-route.ts'
import { type ChatFlavour, chatBody, chatFrames } from './openai-chat.ts'
import type { FullReply } from './reply.ts'
import type { ServerOptions } from './simulated-server.ts'
import { isAnswer, type WireLimits } from './wire-limits.ts'

/** The chat completions endpoint of any vendor. `refuse` says what is wrong with a request. */
export function chatRoute(
  options: ServerOptions,
  dialect: Dialect,
  flavour: ChatFlavour,
  refuse: (call: Call) => (WireError & { readonly status: number }) | undefined,
  done?: (call: Call, reply: FullReply) => void,
  limits?: WireLimits,
): Route {
  return {
    dialect,
    generates: true,
    answer(call): Answer {
      const refused = refuse(call)
      if (refused !== undefined) return errorAnswer(dialect, call, refused)
      const planned = replyTo(call, options)
      const entered = limits?.generation(call, planned)
      if (entered !== undefined && isAnswer(entered)) return entered
      const reply = entered?.reply ?? planned
      done?.(call, reply)
      const headers = { ...dialect.headers(call), ...entered?.headers }
      const model = modelOf(call)
      const isStream = fieldsOf(call.request.json).stream === true
      const answer: Answer = isStream
        ? {
            status: 200,
            contentType: dialect.streamType,
            headers,
            body: chatFrames(call, model, reply, flavour),
          }
        : jsonAnswer(chatBody(call, model, reply, flavour), headers)
      return entered?.counted(answer) ?? answer
    },
  }
}
