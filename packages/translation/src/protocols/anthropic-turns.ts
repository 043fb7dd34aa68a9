import type { JsonObject } from '@spillway/middleware/kit'
import { objectsOf } from '@spillway/wire/internal'
import { blocksOf } from './json.ts'

/** Turns of one role in a row are one. */
export interface Turn {
  readonly role: 'user' | 'assistant' | 'system'
  readonly blocks: readonly JsonObject[]
}

/**
 * The turns of an Anthropic conversation as the API itself sees them: contents as blocks, without empty texts, turns of
 * the same role in a row joined.
 */
export function anthropicTurns(messages: unknown): Turn[] {
  const turns: { role: Turn['role']; blocks: JsonObject[] }[] = []
  for (const { role, content } of objectsOf(messages)) {
    if (role !== 'user' && role !== 'assistant' && role !== 'system') continue
    const blocks = blocksOf(content).filter((block) => block.type !== 'text' || block.text !== '')
    const last = turns.at(-1)
    if (last?.role !== role) {
      turns.push({ role, blocks })
      continue
    }
    // Texts of the user's are parted where they become a message, those of an answer are not.
    const joint = role === 'assistant' && last.blocks.at(-1)?.type === 'text' && blocks[0]?.type === 'text'
    if (joint) last.blocks.push({ type: 'text', text: '\n' })
    last.blocks.push(...blocks)
  }
  return turns
}

/** Claude Code's first system block, which the API strips where it comes first; it is for billing, not for a model. */
const attribution = /^x-anthropic-[a-z-]+:/

/** The blocks of a `system` prompt that are meant for a model. */
export function systemBlocks(system: unknown): JsonObject[] {
  return blocksOf(system).filter(
    (block, index) =>
      typeof block.text === 'string' && block.text !== '' && !(index === 0 && attribution.test(block.text)),
  )
}
