import { type Call, fieldsOf } from './answer.ts'
import { messageBody } from './anthropic-message.ts'
import type { FullReply } from './reply.ts'

/** The content of an answer that ends in a refusal. */
export function saidBy(call: Call, reply: FullReply): readonly unknown[] {
  const { content } = fieldsOf(JSON.parse(messageBody(call, '', reply, { pings: false })))
  return Array.isArray(content) ? content : []
}

/**
 * What of it a retry may send back for another model to continue: without calls of the client's tools, which have no result,
 * without seams, and without white space at its end.
 */
export function continuable(content: readonly unknown[]): readonly unknown[] {
  const kept = content.filter((block) => !['tool_use', 'fallback'].includes(String(fieldsOf(block).type)))
  const last = fieldsOf(kept.at(-1))
  if (last.type !== 'text') return kept
  const text = String(last.text).trimEnd()
  return text === '' ? kept.slice(0, -1) : [...kept.slice(0, -1), { ...last, text }]
}

/** Whether the request rules out that its answer is continued. */
export function isForcedOrFormatted({ request }: Call): boolean {
  const { output_config, output_format, tool_choice } = fieldsOf(request.json)
  const { type } = fieldsOf(tool_choice)
  return output_format != null || fieldsOf(output_config).format != null || type === 'any' || type === 'tool'
}
