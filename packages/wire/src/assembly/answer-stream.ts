import type { Api } from '@spillway/middleware'
import type { Venue } from '@spillway/middleware/kit'
import { fieldOf, type JsonBody, type JsonObject } from '@spillway/middleware/kit'
import { bedrockFrames } from '../event-stream/bedrock-frames.ts'
import { isObject } from '../json/values.ts'
import { field } from '../usage.ts'
import { messageEvents } from './anthropic-events.ts'
import { parseExact } from './exact-numbers.ts'
import { completionChunks } from './openai-chunks.ts'
import { responseEvents } from './responses-events.ts'

const encoder = new TextEncoder()

const writers: Readonly<Record<Api, (body: JsonObject, includeUsage: boolean) => string | undefined>> = {
  anthropic: messageEvents,
  openai: completionChunks,
  responses: responseEvents,
}

/**
 * A whole answer as the stream that it would have been: what `StreamReader` with `assemble` undoes. Numbers stay as they
 * were written. Undefined for what is no answer of the protocol.
 * @param includeUsage whether a caller of chat completions has asked for the usage of its stream
 */
export function answerAsStream(
  api: Api,
  answer: Uint8Array,
  includeUsage: boolean,
  venue?: Venue,
): Uint8Array | undefined {
  const body = parseExact(answer)
  if (!isObject(body)) return undefined
  try {
    const text = writers[api](body, includeUsage)
    if (text === undefined) return undefined
    return venue === 'bedrock' ? bedrockFrames(text) : encoder.encode(text)
  } catch {
    // More levels than JSON is written for.
    return undefined
  }
}

/** Whether a call of chat completions asks for the usage of its stream. */
export function asksForUsage(body: JsonBody): boolean {
  return field(fieldOf(body, 'stream_options', 1_024), 'include_usage') === true
}
