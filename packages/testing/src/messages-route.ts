import { type Call, type Dialect, fieldsOf, modelOf, type Refusal, type Route } from './answer.ts'
import { type MessageFlavour, messageBody, messageFrames } from './anthropic-message.ts'
import { generatingRoute } from './generating-route.ts'
import { type FullReply, fullReply } from './reply.ts'
import type { ServerOptions } from './simulated-server.ts'
import type { WireLimits } from './wire-limits.ts'

/** The Messages endpoint of any vendor. `refuse` says what is wrong with a request. */
export function messagesRoute(
  options: ServerOptions,
  dialect: Dialect,
  flavour: MessageFlavour,
  refuse: (call: Call) => Refusal | undefined,
  done?: (call: Call, reply: FullReply) => void,
  limits?: WireLimits,
  plan: (call: Call) => FullReply = (call) => replyTo(call, options),
): Route {
  return generatingRoute({
    dialect,
    refuse,
    plan: (call) => (fieldsOf(call.request.json).max_tokens === 0 ? nothing(call) : plan(call)),
    whole: (call, reply) => messageBody(call, modelOf(call), reply, flavour),
    frames: (call, reply) => messageFrames(call, modelOf(call), reply, flavour),
    done,
    limits,
  })
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
