import type { Api } from '@spillway/middleware'
import type { Transcript, TranscriptBlock } from '@spillway/middleware/kit'
import { contentPieces } from './chat-content.ts'
import { objectsOf } from './json/values.ts'
import { blockType, itemType } from './transcript-writer.ts'
import { field, stringField } from './usage.ts'

const decoder = new TextDecoder()

/**
 * What an answer that was not streamed says, in the form in which a stream's words are kept. The bytes are parsed when
 * it is first read, so that an answer is not held up for it. Invalid bytes have no blocks.
 */
export function wholeTranscript(api: Api, bytes: Uint8Array): Transcript {
  let read: Transcript | undefined
  const transcript = (): Transcript => {
    read ??= readTranscript(api, bytes)
    return read
  }
  return {
    get blocks() {
      return transcript().blocks
    },
    get id() {
      return transcript().id
    },
  }
}

function readTranscript(api: Api, bytes: Uint8Array): Transcript {
  let body: unknown
  try {
    body = JSON.parse(decoder.decode(bytes))
  } catch {
    body = undefined
  }
  return {
    id: stringField(body, 'id'),
    blocks: blocksOf[api](body),
  }
}

const blocksOf: Readonly<Record<Api, (body: unknown) => TranscriptBlock[]>> = {
  anthropic: anthropicBlocks,
  openai: openaiBlocks,
  responses: (body) =>
    objectsOf(field(body, 'output')).map((item, index) => {
      const type = itemType(stringField(item, 'type'))
      const text = objectsOf(item.content).map((part) => stringField(part, 'text') ?? '')
      return { type, text: type === 'text' ? text.join('') : '', index, isOpen: false }
    }),
}

function anthropicBlocks(body: unknown): TranscriptBlock[] {
  const content = field(body, 'content')
  if (!Array.isArray(content)) return []
  return content.map((block: unknown, index) => {
    const type = blockType(stringField(block, 'type'))
    return { type, text: type === 'text' ? (stringField(block, 'text') ?? '') : '', index, isOpen: false }
  })
}

/** In the order in which a stream would have brought them. */
function openaiBlocks(body: unknown): TranscriptBlock[] {
  const choices = field(body, 'choices')
  const message = field(Array.isArray(choices) ? choices[0] : undefined, 'message')
  const blocks: TranscriptBlock[] = []
  const add = (type: TranscriptBlock['type'], text: string): void => {
    blocks.push({ type, text, index: blocks.length, isOpen: false })
  }
  if (stringField(message, 'reasoning') || stringField(message, 'reasoning_content')) add('thinking', '')
  for (const { type, text } of contentPieces(field(message, 'content'))) {
    const last = blocks.at(-1)
    if (last?.type === type) blocks.splice(-1, 1, { ...last, text: type === 'text' ? last.text + text : '' })
    else add(type, type === 'text' ? text : '')
  }
  const calls = field(message, 'tool_calls')
  if (Array.isArray(calls) && calls.length > 0) add('tool', '')
  return blocks
}
