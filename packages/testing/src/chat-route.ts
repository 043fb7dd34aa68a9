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

/** The chat completions endpoint of any vendor. `refuse` says what is wrong with a request. */
export function chatRoute(
  options: ServerOptions,
  dialect: Dialect,
  flavour: ChatFlavour,
  refuse: (call: Call) => (WireError & { readonly status: number }) | undefined,
  done?: (call: Call, reply: FullReply) => void,
): Route {
  return {
    dialect,
    generates: true,
    answer(call): Answer {
      const refused = refuse(call)
      if (refused !== undefined) return errorAnswer(dialect, call, refused)
      const reply = replyTo(call, options)
      done?.(call, reply)
      const headers = dialect.headers(call)
      const model = modelOf(call)
      if (fieldsOf(call.request.json).stream !== true) {
        return jsonAnswer(chatBody(call, model, reply, flavour), headers)
      }
      const body = chatFrames(call, model, reply, flavour)
      return { status: 200, contentType: dialect.streamType, headers, body }
    },
  }
}
