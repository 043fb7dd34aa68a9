import type { JsonObject } from '@spillway/middleware/kit'
import { isObject } from '../json/values.ts'
import { stringField } from '../usage.ts'

/** What the last event but one says. */
const ofTheEnd = ['stop_reason', 'stop_sequence', 'stop_details', 'container'] as const

/** The events in which a message would have been streamed; undefined for what is no message. */
export function messageEvents(message: JsonObject): string | undefined {
  const { content, stop_reason, context_management, ...others } = message
  if (!Array.isArray(content) || !content.every(isObject)) return undefined
  const usage = isObject(message.usage) ? message.usage : undefined
  const start = {
    ...others,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    ...(usage && { usage: { ...usage, output_tokens: 0 } }),
  }
  const calls = content.some(({ type }) => type === 'tool_use')
  const end: Record<string, unknown> = { stop_sequence: null }
  for (const name of ofTheEnd) if (message[name] !== undefined) end[name] = message[name]
  // Clients wait for a reason.
  end.stop_reason = stop_reason ?? (calls ? 'tool_use' : 'end_turn')
  return [
    event('message_start', { message: start }),
    ...content.map(blockEvents),
    event('message_delta', {
      delta: end,
      ...(usage && { usage }),
      ...(context_management !== undefined && { context_management }),
    }),
    event('message_stop', {}),
  ].join('')
}

function blockEvents(block: JsonObject, index: number): string {
  const { start, deltas } = parts(block)
  return [
    event('content_block_start', { index, content_block: start }),
    ...deltas.map((delta) => event('content_block_delta', { index, delta })),
    event('content_block_stop', { index }),
  ].join('')
}

/** What a block opens with, and what then comes: texts, signatures, sources and inputs grow, everything else opens with it. */
function parts(block: JsonObject): { start: JsonObject; deltas: JsonObject[] } {
  const start = { ...block }
  const deltas: JsonObject[] = []
  const grow = (name: 'text' | 'thinking' | 'signature'): void => {
    const text = stringField(block, name)
    if (text === undefined) return
    start[name] = ''
    if (text !== '') deltas.push({ type: `${name}_delta`, [name]: text })
  }
  if (block.type === 'text') {
    if (Array.isArray(block.citations)) {
      start.citations = []
      for (const citation of block.citations) deltas.push({ type: 'citations_delta', citation })
    }
    grow('text')
  } else if (block.type === 'thinking') {
    grow('thinking')
    grow('signature')
  } else if (isObject(block.input)) {
    start.input = {}
    if (Object.keys(block.input).length > 0)
      deltas.push({ type: 'input_json_delta', partial_json: JSON.stringify(block.input) })
  }
  return { start, deltas }
}

function event(type: string, data: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
}
