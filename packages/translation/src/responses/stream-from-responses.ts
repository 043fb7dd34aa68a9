import type { Failure, Usage } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { malformedFailure, responsesUsage } from '@spillway/wire'
import { isObject, nameField, objectsOf, parseBounded, stringField, textOf } from '@spillway/wire/internal'
import { answerIdFor } from '../protocols/answer-ids.ts'
import type { AnswerOptions } from '../protocols/answer-options.ts'
import { type Loss, mergeLosses } from '../protocols/loss.ts'
import { MessageWriter } from '../protocols/message-writer.ts'
import { spillwaySignature } from '../protocols/spillway-signature.ts'
import type { StreamTranslation } from '../protocols/stream-translation.ts'
import { answeredToolId } from '../protocols/tool-names.ts'
import { reasoningTextOf, stopOfResponse } from './answer-from-responses.ts'
import { reasoningOf } from './carried-reasoning.ts'

type BlockType = 'text' | 'thinking' | 'call' | 'custom'

/** The block that is open for the caller. */
interface OpenBlock {
  readonly type: BlockType
  /** The place of its item in the response. */
  readonly item: unknown
  /** Whether anything has been sent of it. */
  isSaid: boolean
}

/** Translates the events of a response into those of a message. Items follow each other, and so do blocks. */
export class StreamFromResponses implements StreamTranslation {
  readonly #options: AnswerOptions
  readonly #lost = new Set<Loss>()
  #id = ''
  #hasBegun = false
  #isOver = false
  #open: OpenBlock | undefined
  #nextIndex = 0
  #calls = 0
  #isRefused = false
  #end: JsonObject = {}
  #usage: Usage | undefined
  readonly #message = new MessageWriter()

  constructor(options: AnswerOptions = {}) {
    this.#options = options
  }

  get degraded(): readonly Loss[] {
    return mergeLosses([...this.#lost])
  }

  read({ name, data }: { readonly name: string; readonly data: string }): string {
    if (this.#isOver) return ''
    const event = parseBounded(data)
    const type = name || (stringField(event, 'type') ?? '')
    if (!isObject(event)) {
      return type.startsWith('response.')
        ? this.fail(malformedFailure('an event of the stream is not JSON'))
        : ''
    }
    this.#readEvent(type, event)
    return this.#message.taken()
  }

  #readEvent(type: string, event: JsonObject): void {
    const item = isObject(event.item) ? event.item : {}
    const delta = textOf(event.delta ?? '')
    switch (type) {
      case 'response.created':
      case 'response.in_progress':
        return this.#begin(event.response)
      case 'response.output_item.added':
        this.#close()
        return this.#startItem(item, event.output_index)
      case 'response.content_part.added':
        if (this.#open?.type === 'text' && this.#open.isSaid) this.#close()
        return
      case 'response.reasoning_summary_part.added':
        if (this.#open?.isSaid && this.#open.type === 'thinking') this.#say('\n\n')
        return
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return this.#add('thinking', event.output_index, delta)
      case 'response.refusal.delta':
        this.#isRefused = true
        return this.#add('text', event.output_index, delta)
      case 'response.output_text.delta':
        return this.#add('text', event.output_index, delta)
      case 'response.output_text.done':
        return this.#addUnlessSaid(event.output_index, textOf(event.text ?? ''))
      case 'response.refusal.done':
        this.#isRefused = true
        return this.#addUnlessSaid(event.output_index, textOf(event.refusal ?? ''))
      case 'response.output_text.annotation.added':
        this.#lost.add('citations')
        return
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#say(delta)
      case 'response.output_item.done':
        return this.#endItem(item, event.output_index)
      case 'response.completed':
      case 'response.done':
      case 'response.incomplete':
        this.#end = isObject(event.response) ? event.response : {}
        this.#usage = responsesUsage(this.#end.usage)
        this.#readOutput(this.#end.output)
    }
  }

  #startItem(item: JsonObject, place: unknown): void {
    if (item.type === 'function_call') this.#startCall(item, place, 'call')
    else if (item.type === 'custom_tool_call') this.#startCall(item, place, 'custom')
    else if (item.type !== 'message' && item.type !== 'reasoning') this.#lost.add('server_tools')
  }

  #startCall(item: JsonObject, place: unknown, type: 'call' | 'custom'): void {
    const called = textOf(item.name)
    const id = answeredToolId(stringField(item, 'call_id'), this.#id, this.#calls++)
    const name = this.#options.toolNames?.get(called) ?? called
    this.#start(type, place, { type: 'tool_use', id, name, input: {} })
  }

  /** A block begins with its first text: one of nothing would be refused when it comes back. */
  #add(type: 'text' | 'thinking', place: unknown, text: string): void {
    if (text === '') return
    if (this.#open?.type !== type || this.#open.item !== place) {
      this.#close()
      const block = type === 'text' ? { type, text: '' } : { type, thinking: '', signature: '' }
      this.#start(type, place, block)
    }
    this.#say(text)
  }

  #start(type: BlockType, item: unknown, content_block: JsonObject): void {
    this.#begin(undefined)
    this.#open = { type, item, isSaid: false }
    this.#message.startBlock(this.#nextIndex, content_block)
  }

  #say(text: string): void {
    if (this.#open === undefined || text === '') return
    const { type, isSaid } = this.#open
    this.#open.isSaid = true
    if (type === 'text') this.#delta({ type: 'text_delta', text })
    else if (type === 'thinking') this.#delta({ type: 'thinking_delta', thinking: text })
    else if (type === 'call') this.#delta({ type: 'input_json_delta', partial_json: text })
    else {
      const partial_json = (isSaid ? '' : '{"input":"') + JSON.stringify(text).slice(1, -1)
      this.#delta({ type: 'input_json_delta', partial_json })
    }
  }

  /** Some servers send an item whole at its end, without deltas. */
  #endItem(item: JsonObject, place: unknown): void {
    if (item.type === 'reasoning') return this.#endReasoning(item, place)
    const isOpen = this.#open?.item === place
    if (item.type === 'function_call' || item.type === 'custom_tool_call') {
      if (!isOpen) this.#startItem(item, place)
      if (!this.#open?.isSaid) this.#say(textOf(item.arguments ?? item.input ?? ''))
    } else if (item.type === 'message' && !isOpen && !this.#saidItems.has(place)) {
      for (const part of Array.isArray(item.content) ? item.content : []) {
        if (isObject(part)) this.#add('text', place, textOf(part.text ?? part.refusal ?? ''))
      }
    }
    this.#close()
  }

  /** Some servers send a text whole, without deltas. */
  #addUnlessSaid(place: unknown, text: string): void {
    if (this.#open?.item !== place && !this.#saidItems.has(place)) this.#add('text', place, text)
  }

  /** Some servers send nothing but the end, which holds the answer. */
  #readOutput(output: unknown): void {
    if (this.#nextIndex > 0 || this.#open !== undefined) return
    objectsOf(output).forEach((item, place) => {
      this.#endItem(item, place)
    })
  }

  /** Items of which something has been sent. */
  readonly #saidItems = new Set<unknown>()

  /** What the server wants back is in the item at its end. */
  #endReasoning(item: JsonObject, place: unknown): void {
    const details = reasoningOf(item)
    const isOpen = this.#open?.item === place && this.#open?.type === 'thinking'
    if (!isOpen && details.length > 0) {
      this.#close()
      this.#start('thinking', place, { type: 'thinking', thinking: '', signature: '' })
      this.#say(reasoningTextOf(item))
    }
    if (this.#open?.type === 'thinking') this.#close(spillwaySignature(details))
  }

  #close(signature = spillwaySignature()): void {
    const open = this.#open
    if (open === undefined) return
    if (open.type === 'custom')
      this.#delta({ type: 'input_json_delta', partial_json: open.isSaid ? '"}' : '{"input":""}' })
    if (open.type === 'thinking') this.#delta({ type: 'signature_delta', signature })
    this.#message.stopBlock(this.#nextIndex++)
    this.#saidItems.add(open.item)
    this.#open = undefined
  }

  #begin(response: unknown): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#id = answerIdFor('anthropic', stringField(response, 'id'), this.#options.id)
    this.#message.begin(this.#id, nameField(response, 'model') ?? this.#options.model ?? '')
  }

  finish(): string {
    if (this.#isOver) return ''
    this.#begin(this.#end)
    this.#close()
    this.#isOver = true
    this.#message.end(stopOfResponse(this.#end, this.#calls > 0, this.#isRefused), this.#usage)
    return this.#message.taken()
  }

  fail(failure: Failure): string {
    if (this.#isOver) return ''
    this.#isOver = true
    this.#message.fail(failure)
    return this.#message.taken()
  }

  #delta(delta: JsonObject): void {
    this.#message.addDelta(this.#nextIndex, delta)
  }
}
