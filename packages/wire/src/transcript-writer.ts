import type { Api } from '@spillway/middleware'
import type { Transcript, TranscriptBlock } from '@spillway/middleware/kit'
import { parseBounded } from './bounded-json.ts'
import { contentPieces } from './chat-content.ts'
import { numberOf } from './json/values.ts'
import type { SseEvent } from './sse-event.ts'
import { nameField } from './upstream-text.ts'
import { field, stringField } from './usage.ts'

interface OpenBlock extends TranscriptBlock {
  type: TranscriptBlock['type']
  text: string
  isOpen: boolean
}

/** What is kept at most of one answer, in blocks and characters; no model's answer comes near it. */
const mostBlocks = 10_000
const mostText = 8 * 1024 * 1024

/**
 * Keeps what a stream says. It parses every event, so it is used only where a fallback may have to continue a broken
 * stream. What is said beyond any model's answer is not kept: a block of another type, which stays open, replaces it.
 */
export class TranscriptWriter implements Transcript {
  readonly blocks: OpenBlock[] = []
  id: string | undefined
  readonly #api: Api
  /** Anthropic's blocks, or items of Responses, by their index; the first where there are two of one. */
  readonly #byIndex = new Map<unknown, OpenBlock>()
  #text = 0
  #isFull = false

  constructor(api: Api) {
    this.#api = api
  }

  read(event: SseEvent): void {
    if (this.#isFull) return
    const data = parseBounded(event.data)
    if (this.#api === 'anthropic') this.#readAnthropic(data)
    else if (this.#api === 'responses') this.#readResponses(data)
    else this.#readOpenAi(data)
  }

  /** Items are the blocks. */
  #readResponses(data: unknown): void {
    const index = numberOf(field(data, 'output_index'))
    const block = this.#byIndex.get(index)
    switch (field(data, 'type')) {
      case 'response.created':
        this.id = nameField(field(data, 'response'), 'id')
        return
      case 'response.output_item.added': {
        const type = itemType(stringField(field(data, 'item'), 'type'))
        const begun = this.#begin({ type, text: '', index, isOpen: true })
        if (block === undefined) this.#byIndex.set(index, begun)
        return
      }
      case 'response.output_text.delta':
        if (block?.type === 'text') this.#say(block, stringField(data, 'delta') ?? '')
        return
      case 'response.refusal.delta':
        // An answer that a model declines is not continued.
        if (block !== undefined) block.type = 'other'
        return
      case 'response.output_item.done':
        if (block !== undefined) block.isOpen = false
    }
  }

  #readAnthropic(data: unknown): void {
    switch (field(data, 'type')) {
      case 'message_start':
        this.id = nameField(field(data, 'message'), 'id')
        return
      case 'content_block_start': {
        const block = field(data, 'content_block')
        const index = numberOf(field(data, 'index'))
        const text = stringField(block, 'text') ?? ''
        const begun = this.#begin({
          type: blockType(stringField(block, 'type')),
          text: '',
          index,
          isOpen: true,
        })
        this.#say(begun, text)
        if (!this.#byIndex.has(index)) this.#byIndex.set(index, begun)
        return
      }
      case 'content_block_delta': {
        const block = this.#byIndex.get(field(data, 'index'))
        if (block?.type === 'text') this.#say(block, stringField(field(data, 'delta'), 'text') ?? '')
        return
      }
      case 'content_block_stop': {
        const block = this.#byIndex.get(field(data, 'index'))
        if (block !== undefined) block.isOpen = false
      }
    }
  }

  #readOpenAi(data: unknown): void {
    this.id ??= nameField(data, 'id')
    const choices = field(data, 'choices')
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
    const delta = field(choice, 'delta')
    for (const { type, text } of contentPieces(field(delta, 'content'))) {
      const block = this.#open(type)
      if (type === 'text') this.#say(block, text)
    }
    if (Array.isArray(field(delta, 'tool_calls'))) this.#open('tool')
    if (stringField(delta, 'reasoning') || stringField(delta, 'reasoning_content')) this.#open('thinking')
    const last = this.blocks.at(-1)
    if (field(choice, 'finish_reason') != null && last !== undefined) last.isOpen = false
  }

  #begin(block: OpenBlock): OpenBlock {
    this.blocks.push(block)
    if (this.blocks.length >= mostBlocks) this.#giveUp()
    return block
  }

  #say(block: OpenBlock, text: string): void {
    this.#text += text.length
    if (this.#text > mostText) return this.#giveUp()
    block.text += text
  }

  #giveUp(): void {
    if (this.#isFull) return
    this.#isFull = true
    this.blocks.push({ type: 'other', text: '', index: this.blocks.length, isOpen: true })
  }

  /** The protocol has no blocks; a new one begins where the kind of content changes. */
  #open(type: OpenBlock['type']): OpenBlock {
    const last = this.blocks.at(-1)
    if (last?.type === type) return last
    if (last !== undefined) last.isOpen = false
    return this.#begin({ type, text: '', index: this.blocks.length, isOpen: true })
  }
}

/** What an item of OpenAI Responses is, in the terms that all protocols share. */
export function itemType(type: string | undefined): OpenBlock['type'] {
  if (type === 'message') return 'text'
  if (type === 'reasoning') return 'thinking'
  return type?.endsWith('_call') ? 'tool' : 'other'
}

/** What a block of Anthropic's is, in the terms that all protocols share. */
export function blockType(type: string | undefined): OpenBlock['type'] {
  if (type === 'text') return 'text'
  if (type === 'thinking' || type === 'redacted_thinking') return 'thinking'
  return type?.includes('tool') ? 'tool' : 'other'
}
