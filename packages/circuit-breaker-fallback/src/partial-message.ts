import type { JsonObject } from '@spillway/middleware/kit'
import { SseScanner, StreamReader } from '@spillway/wire'
import { parseBounded } from '@spillway/wire/internal'
import { isObject, parseExactly } from './json-values.ts'

/** A streamed message, whole or up to where its model declined. */
export interface PartialMessage {
  /** As it would have been without streaming. */
  readonly message: JsonObject
  /** The indices of blocks that were never closed. */
  readonly open: readonly number[]
  /** Whether one of these is a call of a tool. */
  readonly isInCall: boolean
  /** The index behind the last block. */
  readonly next: number
}

/** Puts a stream together from its bytes; undefined where they make no message. */
export function partialMessage(chunks: readonly Uint8Array[]): PartialMessage | undefined {
  const reader = new StreamReader('anthropic', { assemble: true })
  /** The types of open blocks. */
  const open = new Map<number, unknown>()
  let next = 0
  const scanner = new SseScanner((event) => {
    if (event.name !== 'content_block_start' && event.name !== 'content_block_stop') return
    const data = parseBounded(event.data)
    const index = isObject(data) ? data.index : undefined
    if (typeof index !== 'number') return
    if (event.name === 'content_block_stop') return void open.delete(index)
    open.set(index, isObject(data) && isObject(data.content_block) ? data.content_block.type : undefined)
    next = Math.max(next, index + 1)
  })
  try {
    for (const chunk of chunks) {
      // Each scanner may keep what it was given.
      scanner.push(chunk)
      reader.push(chunk)
    }
    const json = reader.assembled()
    const message = json === undefined ? undefined : parseExactly(json)
    if (!isObject(message)) return undefined
    const isInCall = [...open.values()].some((type) => String(type).endsWith('tool_use'))
    return { message, open: [...open.keys()], isInCall, next }
  } catch {
    // An event beyond any size, or a tool call that was cut.
    return undefined
  }
}
