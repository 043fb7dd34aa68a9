import { type Call, type Dialect, modelOf, type Refusal, type Route } from './answer.ts'
import { generatingRoute } from './generating-route.ts'
import { replyTo } from './messages-route.ts'
import { type ChatFlavour, chatBody, chatFrames } from './openai-chat.ts'
import type { FullReply } from './reply.ts'
import type { ServerOptions } from './simulated-server.ts'
import type { WireLimits } from './wire-limits.ts'

/** The chat completions endpoint of any vendor. `refuse` says what is wrong with a request. */
export function chatRoute(
  options: ServerOptions,
  dialect: Dialect,
  flavour: ChatFlavour,
  refuse: (call: Call) => Refusal | undefined,
  done?: (call: Call, reply: FullReply) => void,
  limits?: WireLimits,
): Route {
  return generatingRoute({
    dialect,
    refuse,
    plan: (call) => replyTo(call, options),
    whole: (call, reply) => chatBody(call, modelOf(call), reply, flavour),
    frames: (call, reply) => chatFrames(call, modelOf(call), reply, flavour),
    done,
    limits,
  })
}
