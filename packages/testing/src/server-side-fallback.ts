import { type Call, fieldsOf, modelOf } from './answer.ts'
import type { FullReply } from './reply.ts'

/**
 * What Claude's own server makes of `fallbacks`: it asks the next model when one declines, and answers with the seams between
 * them and the usage of each (platform.claude.com, refusals and fallback, 2026-09). What was said before a seam is left out,
 * as it is of an answer that is not streamed.
 */
export function serverSideFallback(
  call: Call,
  permitted: Readonly<Record<string, readonly string[]>>,
  replyTo: (call: Call) => FullReply,
): FullReply {
  const { fallbacks } = fieldsOf(call.request.json)
  let reply = replyTo(call)
  if (fallbacks == null) return reply
  const listed = Array.isArray(fallbacks)
    ? fallbacks.map((entry) => String(fieldsOf(entry).model))
    : undefined
  const seams: object[] = []
  const iterations: object[] = []
  let model = modelOf(call)
  for (const to of listed ?? permitted[model]?.slice(0, 1) ?? []) {
    if (reply.refusal === undefined) break
    iterations.push(iteration('message', model, reply))
    const { category = null } = reply.refusal
    seams.push({
      type: 'fallback',
      from: { model },
      to: { model: to },
      trigger: { type: 'refusal', category },
    })
    model = to
    reply = replyTo(askedOf(call, to))
  }
  if (seams.length === 0) return reply
  iterations.push(iteration('fallback_message', model, reply))
  return { ...reply, model, seams, moreUsage: { ...reply.moreUsage, iterations } }
}

function askedOf(call: Call, model: string): Call {
  const json = { ...fieldsOf(call.request.json), model }
  return { ...call, request: Object.create(call.request, { json: { value: json } }) }
}

function iteration(type: string, model: string, { usage }: FullReply): object {
  return {
    ...{ type, model, input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
  }
}
