import type { Frame } from './answer.ts'

/** The index of the event at which `count` content events are over and the next begins. */
export function contentIndex(list: readonly Frame[], count: number): number {
  let left = count
  let after = 0
  for (let i = 0; i < list.length; i++) {
    if (list[i]?.content !== true) continue
    if (left-- === 0) return i
    after = i + 1
  }
  return after
}

/** Half of all content events, rounded up. */
export function halfOf(list: readonly Frame[]): number {
  return Math.ceil(list.filter((frame) => frame.content).length / 2)
}

/** The index of the event that opens the first block, or of the first content where the protocol opens none. */
export function firstBlock(list: readonly Frame[]): number {
  const index = list.findIndex(
    ({ text, opens }) => opens ?? (typeof text === 'string' && text.startsWith('event: content_block_start')),
  )
  return index < 0 ? contentIndex(list, 0) : index
}
