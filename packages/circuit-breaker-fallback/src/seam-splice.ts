import type { JsonObject } from '@spillway/middleware/kit'
import { SseScanner } from '@spillway/wire'
import { isObject } from './json-values.ts'
import { iteration } from './model-refusal.ts'
import { parseEvent } from './splice.ts'

/** How a model's stream goes on from those of others. */
export interface SeamOptions {
  readonly model: string
  /** The number of blocks before its own. */
  readonly seams: readonly JsonObject[]
  /** How many blocks the caller has seen before them. */
  readonly offset: number
  /** Whether the caller has seen a `message_start` already. */
  readonly hasBegun: boolean
  /** What the models before have used. */
  readonly iterations: readonly JsonObject[]
}

/** Turns the bytes of a stream into what the caller sees of it: seams first, blocks counted on, the usage of each model. */
export function seamSplice(options: SeamOptions): (chunk: Uint8Array) => Uint8Array {
  const shift = options.offset + options.seams.length
  let atStart: JsonObject = {}
  let text = ''
  const scanner = new SseScanner((read) => {
    const data = parseEvent(read.data) as JsonObject | undefined
    if (data !== undefined) text += spliced(data)
  })
  const spliced = (data: JsonObject): string => {
    switch (data.type) {
      case 'message_start': {
        const { message } = data
        if (isObject(message) && isObject(message.usage)) atStart = message.usage
        return (options.hasBegun ? '' : sse(data)) + wholeBlocks(options.seams, options.offset)
      }
      case 'content_block_start':
      case 'content_block_delta':
      case 'content_block_stop':
        return sse({ ...data, index: (data.index as number) + shift })
      case 'message_delta': {
        const usage = backfilled(isObject(data.usage) ? data.usage : {}, atStart)
        const iterations = [...options.iterations, iteration('fallback_message', options.model, usage)]
        return sse({ ...data, usage: { ...usage, iterations } })
      }
      default:
        return sse(data)
    }
  }
  return (chunk) => {
    scanner.push(chunk)
    const bytes = Buffer.from(text)
    text = ''
    return bytes
  }
}

/** Blocks without deltas, from this index on. */
export function wholeBlocks(blocks: readonly JsonObject[], from: number): string {
  return blocks
    .map((block, i) => {
      const index = from + i
      return sse({ type: 'content_block_start', index, content_block: block }) + blockStop(index)
    })
    .join('')
}

export function blockStop(index: number): string {
  return sse({ type: 'content_block_stop', index })
}

/** The end of a stream whose last model has declined. */
export function refusalEnd(message: JsonObject, iterations: readonly JsonObject[]): string {
  const { stop_reason, stop_details, usage } = message
  const delta = { stop_reason, stop_sequence: null, stop_details }
  const told = { ...(isObject(usage) ? usage : {}), iterations }
  return sse({ type: 'message_delta', delta, usage: told }) + sse({ type: 'message_stop' })
}

/** A keep-alive, as Claude writes it. */
export const ping = 'event: ping\ndata: {"type": "ping"}\n\n'

function sse(data: JsonObject): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

/** The counts of the end, with those of the beginning where the end has none. */
function backfilled(usage: JsonObject, atStart: JsonObject): JsonObject {
  const told = Object.entries(usage).filter(([name, value]) => value != null || atStart[name] == null)
  return { ...atStart, ...Object.fromEntries(told) }
}
