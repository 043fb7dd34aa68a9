import type { JsonObject } from '@spillway/middleware/kit'
import { isObject } from '../json/values.ts'
import { AnswerSize, type Growing, growFields, replaceFields } from './grow.ts'

interface Block {
  readonly fields: Growing
  /** The input of a tool as it came, so that its numbers stay as they were written. */
  input: string
}

const none: ReadonlySet<string> = new Set()
const notOfTheBlock: ReadonlySet<string> = new Set(['type', 'partial_json', 'citation'])
const notOfTheMessage: ReadonlySet<string> = new Set(['type', 'delta', 'usage'])

/** Puts the events of a message together. */
export class AnthropicAssembler {
  readonly #blocks = new Map<unknown, Block>()
  readonly #size = new AnswerSize()
  #message: Growing | undefined

  /** @throws RangeError for more parts than an answer has, TypeError for a delta without its block */
  read(event: JsonObject): void {
    switch (event.type) {
      case 'message_start':
        if (isObject(event.message)) this.#message = { ...event.message }
        this.#size.add(event.message)
        return
      case 'content_block_start': {
        this.#size.addPart()
        this.#size.add(event.content_block)
        const fields = isObject(event.content_block) ? { ...event.content_block } : {}
        this.#blocks.set(event.index, { fields, input: '' })
        return
      }
      case 'content_block_delta': {
        const block = this.#blocks.get(event.index)
        if (block === undefined || !isObject(event.delta)) throw new TypeError('a delta has no block')
        this.#readDelta(block, event.delta)
        return
      }
      case 'message_delta':
        if (this.#message !== undefined) readMessageDelta(this.#message, event, this.#size)
    }
  }

  #readDelta(block: Block, delta: JsonObject): void {
    if (typeof delta.partial_json === 'string') block.input += delta.partial_json
    growFields(block.fields, delta, notOfTheBlock, this.#size)
    const { citation } = delta
    if (citation !== undefined) growFields(block.fields, { citations: [citation] }, none, this.#size)
  }

  toJson(): string | undefined {
    if (this.#message === undefined) return undefined
    const { content: _, ...message } = this.#message
    const blocks = [...this.#blocks.values()].map(blockJson)
    return `${JSON.stringify(message).slice(0, -1)},"content":[${blocks.join(',')}]}`
  }
}

/** It says how the message ended, and each of its counts is the last word. */
function readMessageDelta(message: Growing, event: JsonObject, size: AnswerSize): void {
  replaceFields(message, event, notOfTheMessage, size)
  if (isObject(event.delta)) replaceFields(message, event.delta, notOfTheMessage, size)
  if (!isObject(event.usage)) return
  const usage: Growing = isObject(message.usage) ? { ...message.usage } : {}
  replaceFields(usage, event.usage, none, size)
  message.usage = usage
}

function blockJson({ fields, input }: Block): string {
  if (input.trim() === '') return JSON.stringify(fields)
  const { input: _, ...others } = fields
  return `${JSON.stringify(others).slice(0, -1)},"input":${input}}`
}
