import type { JsonObject } from '@spillway/middleware/kit'
import type { Loss } from './loss.ts'

interface Turn {
  readonly role: string
  readonly content: readonly JsonObject[]
}

/**
 * Turns in which each call has its result directly behind it and each result its call, as Claude insists on: callers cut long
 * conversations anywhere, and some servers of chat completions do not mind. A result without its call becomes a text of the
 * user's; a call without its result gets one that says so.
 */
export function pairedTurns(turns: readonly Turn[], lose: (loss: Loss) => void): readonly Turn[] {
  const paired: Turn[] = []
  let open = new Set<unknown>()
  const answerOpen = (): JsonObject[] => {
    if (open.size > 0) lose('tool_results')
    const missing = [...open].map((id) => ({
      ...{ type: 'tool_result', tool_use_id: id, content: '[there is no result]', is_error: true },
    }))
    open = new Set()
    return missing
  }
  for (const { role, content } of turns) {
    if (role === 'user') {
      const results: JsonObject[] = []
      const others: JsonObject[] = []
      for (const block of content) {
        if (block.type !== 'tool_result') others.push(block)
        else if (open.delete(block.tool_use_id)) results.push(block)
        else {
          lose('tool_results')
          others.push(...strayResult(block))
        }
      }
      paired.push({ role, content: [...results, ...answerOpen(), ...others] })
      continue
    }
    if (open.size > 0) paired.push({ role: 'user', content: answerOpen() })
    paired.push({ role, content })
    open = new Set(content.filter(({ type }) => type === 'tool_use').map(({ id }) => id))
  }
  if (open.size > 0) paired.push({ role: 'user', content: answerOpen() })
  return paired
}

function strayResult({ content }: JsonObject): JsonObject[] {
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : (content as JsonObject[])
  const isSaid = blocks.some(({ type, text }) => type !== 'text' || String(text).trim() !== '')
  const said = blocks.filter(({ type, text }) => type !== 'text' || String(text).trim() !== '')
  return [
    { type: 'text', text: isSaid ? 'The result of an earlier call:' : 'An earlier call had no result.' },
    ...said,
  ]
}
