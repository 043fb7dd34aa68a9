import type { JsonObject } from '@spillway/middleware/kit'
import { SseScanner } from '@spillway/wire'
import { parseBounded } from '@spillway/wire/internal'
import { isObject } from './json-values.ts'

/** More than any model says in one answer, in characters and items: a longer one is not continued. */
const mostText = 8 * 1024 * 1024
const mostItems = 10_000

/** A part of a message that is open. */
export interface OpenPart {
  readonly index: number
  /** As it was when it began. */
  readonly begun: JsonObject
  text: string
  readonly annotations: unknown[]
  /** Whether its text has been said to be whole. */
  isDone: boolean
}

/** An item that is open. */
export interface OpenItem {
  readonly index: number
  /** As it was when it began. */
  readonly begun: JsonObject
  /** Its parts that are whole. */
  readonly parts: JsonObject[]
  part: OpenPart | undefined
}

const ofText: JsonObject = { type: 'output_text', text: '', annotations: [], logprobs: [] }

/** How far a response has come for its caller: for those who go on with it under the same numbers. */
export class ResponseSoFar {
  /** As its first event has it. */
  response: JsonObject = {}
  /** The number that the next event has. */
  nextSequence = 0
  /** Items that are whole, by their place. */
  readonly items: JsonObject[] = []
  open: OpenItem | undefined
  /** It is longer than what is kept, or has a form that cannot be continued. */
  isLost = false
  #size = 0
  readonly #scanner = new SseScanner(({ data }) => {
    const event = parseBounded(data)
    if (isObject(event)) this.read(event)
  })

  /** Reads bytes that the caller gets. */
  push(chunk: Uint8Array): void {
    if (!this.isLost) this.#scanner.push(chunk)
  }

  /** Reads one event that the caller gets. */
  read(event: JsonObject): void {
    const { type, sequence_number: number, output_index: index, item } = event
    this.nextSequence = typeof number === 'number' ? number + 1 : this.nextSequence + 1
    switch (type) {
      case 'response.created':
      case 'response.in_progress':
        if (isObject(event.response)) this.response = event.response
        return
      case 'response.output_item.added':
        if (this.open !== undefined || !isObject(item)) this.isLost = true
        else this.open = { index: placeOf(index, this.items.length), begun: item, parts: [], part: undefined }
        return
      case 'response.output_item.done':
        this.open = undefined
        if (isObject(item)) this.items.push(item)
        if (this.items.length > mostItems) this.isLost = true
        return
      case 'response.content_part.added':
        if (isObject(event.part)) this.#beginPart(event, event.part)
        return
      case 'response.output_text.delta':
        this.#say(event)
        return
      case 'response.output_text.annotation.added':
        this.open?.part?.annotations.push(event.annotation)
        return
      case 'response.output_text.done':
        if (this.open?.part !== undefined) this.open.part.isDone = true
        return
      case 'response.content_part.done':
        if (this.open === undefined) return
        this.open.part = undefined
        if (isObject(event.part)) this.open.parts.push(event.part)
    }
  }

  #beginPart({ content_index, output_index, item_id }: JsonObject, begun: JsonObject): OpenPart {
    // Some servers begin with the text.
    this.open ??= {
      index: placeOf(output_index, this.items.length),
      begun: { id: item_id, type: 'message', role: 'assistant', status: 'in_progress', content: [] },
      parts: [],
      part: undefined,
    }
    const text = typeof begun.text === 'string' ? begun.text : ''
    const index = placeOf(content_index, this.open.parts.length)
    this.open.part = { index, begun, text, annotations: [], isDone: false }
    return this.open.part
  }

  #say(event: JsonObject): void {
    const { delta } = event
    if (typeof delta !== 'string') return
    const part = this.open?.part ?? this.#beginPart(event, ofText)
    part.text += delta
    this.#size += delta.length
    if (this.#size > mostText) this.isLost = true
  }
}

function placeOf(given: unknown, otherwise: number): number {
  return typeof given === 'number' ? given : otherwise
}
