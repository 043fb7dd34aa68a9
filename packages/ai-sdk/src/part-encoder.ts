import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import type { JsonObject } from '@spillway/middleware/kit'
import { messagesUsage, stopReason } from './reported-usage.ts'

type Event = readonly [name: string, data: JsonObject]

/**
 * Writes the parts of a stream as the events of a Messages stream that say the same: what an attempt is judged by and measured by,
 * first content, progress, tokens and the end. Whoever reads the answer gets the parts themselves; see {@link numbersIn}.
 */
export class PartEncoder {
  readonly #blocks = new Map<string, number>()
  readonly #streamedTools = new Set<string>()
  #next = 0

  /** @param number of the part, `ANSWER.PART` */
  encode(part: LanguageModelV4StreamPart, number: string): Uint8Array {
    const events = this.#events(part)
    const last = events.length - 1
    const text = events
      .map(
        ([name, data], index) =>
          `event: ${name}\n${index === last ? `id: ${number}\n` : ''}data: ${JSON.stringify({ type: name, ...data })}\n\n`,
      )
      .join('')
    return encoder.encode(text)
  }

  #events(part: LanguageModelV4StreamPart): readonly Event[] {
    switch (part.type) {
      case 'stream-start':
        return [['message_start', { message: {} }]]
      case 'response-metadata':
        return [['message_start', { message: { model: part.modelId } }]]
      case 'text-start':
        return [this.#start(part.id, { type: 'text', text: '' })]
      case 'reasoning-start':
        return [this.#start(part.id, { type: 'thinking', thinking: '' })]
      case 'tool-input-start':
        this.#streamedTools.add(part.id)
        return [this.#start(part.id, { type: 'tool_use', name: part.toolName, input: {} })]
      case 'text-delta':
        return [this.#delta(part.id, { type: 'text_delta', text: part.delta })]
      case 'reasoning-delta':
        // A delta without text carries what a provider puts beside it, such as the signature.
        return part.delta === '' && part.providerMetadata !== undefined
          ? [this.#delta(part.id, { type: 'signature_delta', signature: '-' })]
          : [this.#delta(part.id, { type: 'thinking_delta', thinking: part.delta })]
      case 'tool-input-delta':
        return [this.#delta(part.id, { type: 'input_json_delta', partial_json: part.delta })]
      case 'text-end':
      case 'reasoning-end':
      case 'tool-input-end':
        return [['content_block_stop', { index: this.#blocks.get(part.id) ?? 0 }]]
      case 'tool-call': {
        const isNew = !this.#streamedTools.has(part.toolCallId)
        return this.#whole({ type: 'tool_call', ...(isNew && { name: part.toolName, text: part.input }) })
      }
      case 'finish':
        return [
          [
            'message_delta',
            {
              delta: { stop_reason: stopReason(part.finishReason) },
              usage: messagesUsage(part.usage) ?? null,
            },
          ],
          ['message_stop', {}],
        ]
      case 'ping':
      case 'raw':
      // What a vendor says beside the answer, such as `anthropic.message_start`.
      case 'custom':
        return [['ping', {}]]
      case 'error':
        return []
      default:
        return this.#whole({ type: part.type })
    }
  }

  #start(id: string, block: JsonObject): Event {
    const index = this.#next++
    this.#blocks.set(id, index)
    return ['content_block_start', { index, content_block: block }]
  }

  #delta(id: string, delta: JsonObject): Event {
    return ['content_block_delta', { index: this.#blocks.get(id) ?? 0, delta }]
  }

  #whole(block: JsonObject): readonly Event[] {
    const index = this.#next++
    return [
      ['content_block_start', { index, content_block: block }],
      ['content_block_stop', { index }],
    ]
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The numbers of the parts behind whole events, in order. */
export function numbersIn(events: Uint8Array): [answer: number, part: number][] {
  // No line of data begins so: JSON has no line breaks.
  const found = decoder.decode(events).matchAll(/^id: (\d+)\.(\d+)$/gm)
  return [...found].map(([, answer, part]) => [Number(answer), Number(part)])
}
