import type { Api, Transcript, TranscriptBlock } from '@spillway/middleware'
import type { SseEvent } from './sse-event.ts'
import { parseData } from './stream-state.ts'
import { numberOf } from './translation/json.ts'
import { field, stringField } from './usage.ts'

interface OpenBlock extends TranscriptBlock {
  type: TranscriptBlock['type']
  text: string
  isOpen: boolean
}

/**
 * Keeps what a stream says. It parses every event, so it is used only where somebody may have to go on from a broken
 * stream.
 */
export class TranscriptWriter implements Transcript {
  readonly blocks: OpenBlock[] = []
  id: string | undefined
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  read(event: SseEvent): void {
    const data = parseData(event.data)
    if (this.#api === 'anthropic') this.#readAnthropic(data)
    else this.#readOpenAi(data)
  }

  #readAnthropic(data: unknown): void {
    switch (field(data, 'type')) {
      case 'message_start':
        this.id = stringField(field(data, 'message'), 'id')
        return
      case 'content_block_start': {
        const block = field(data, 'content_block')
        const index = numberOf(field(data, 'index'))
        const text = stringField(block, 'text') ?? ''
        this.blocks.push({ type: blockType(stringField(block, 'type')), text, index, isOpen: true })
        return
      }
      case 'content_block_delta': {
        const block = this.#at(field(data, 'index'))
        if (block?.type === 'text') block.text += stringField(field(data, 'delta'), 'text') ?? ''
        return
      }
      case 'content_block_stop': {
        const block = this.#at(field(data, 'index'))
        if (block !== undefined) block.isOpen = false
      }
    }
  }

  #readOpenAi(data: unknown): void {
    this.id ??= stringField(data, 'id')
    const choices = field(data, 'choices')
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
    const delta = field(choice, 'delta')
    const text = stringField(delta, 'content')
    if (text) this.#open('text').text += text
    if (Array.isArray(field(delta, 'tool_calls'))) this.#open('tool')
    if (stringField(delta, 'reasoning') || stringField(delta, 'reasoning_content')) this.#open('thinking')
    const last = this.blocks.at(-1)
    if (field(choice, 'finish_reason') != null && last !== undefined) last.isOpen = false
  }

  #at(index: unknown): OpenBlock | undefined {
    return this.blocks.find((block) => block.index === index)
  }

  /** The protocol has no blocks; a new one begins where the kind of content changes. */
  #open(type: OpenBlock['type']): OpenBlock {
    const last = this.blocks.at(-1)
    if (last?.type === type) return last
    if (last !== undefined) last.isOpen = false
    const block: OpenBlock = { type, text: '', index: this.blocks.length, isOpen: true }
    this.blocks.push(block)
    return block
  }
}

/** What a block of Anthropic's is, in the terms that all protocols share. */
export function blockType(type: string | undefined): OpenBlock['type'] {
  if (type === 'text') return 'text'
  if (type === 'thinking' || type === 'redacted_thinking') return 'thinking'
  return type?.includes('tool') ? 'tool' : 'other'
}
