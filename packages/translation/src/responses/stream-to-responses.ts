import type { Failure } from '@spillway/middleware'
import type { JsonObject, StreamPlace } from '@spillway/middleware/kit'
import { malformedFailure, renderErrorEvent } from '@spillway/wire'
import { isObject, nameField, stringField, textOf, wordedFor } from '@spillway/wire/internal'
import { type Loss, mergeLosses } from '../protocols/loss.ts'
import { type MessageListener, MessageReader } from '../protocols/message-reader.ts'
import type { StreamTranslation } from '../protocols/stream-translation.ts'
import { kindOf, messageItem, reasoningItem, textPart } from './answer-to-responses.ts'
import { argumentsText, callItem, callPrefix, customInput } from './call-items.ts'
import {
  endOf,
  ResponseIds,
  type ResponseState,
  type ResponsesAnswerOptions,
  responseObject,
} from './response-object.ts'
import { StringFieldReader } from './string-field-reader.ts'
import type { ToolKind } from './tool-kinds.ts'

const decoder = new TextDecoder()

/** The item that is open: its events name it by id and place. */
type OpenItem =
  | {
      readonly type: 'message'
      readonly id: string
      readonly parts: JsonObject[]
      text: string
      isPartOpen: boolean
    }
  | {
      readonly type: 'reasoning'
      readonly id: string
      readonly block: Record<string, unknown>
      hasSummary: boolean
    }
  | {
      readonly type: 'call'
      readonly id: string
      readonly callId: unknown
      readonly kind: ToolKind
      readonly input: StringFieldReader | undefined
      args: string
    }

/** Translates the events of a message into those of a response. */
export class StreamToResponses implements StreamTranslation {
  readonly #options: ResponsesAnswerOptions
  readonly #lost = new Set<Loss>()
  readonly #message = new MessageReader()
  readonly #output: JsonObject[] = []
  #ids: ResponseIds
  #model: string
  #open: OpenItem | undefined
  #sequence = 0
  #hasBegun = false
  #isOver = false
  #out = ''

  constructor(options: ResponsesAnswerOptions = {}) {
    this.#options = options
    this.#ids = new ResponseIds(undefined, options.id)
    this.#model = options.model ?? ''
  }

  get degraded(): readonly Loss[] {
    return mergeLosses([...this.#lost])
  }

  read(event: { readonly name: string; readonly data: string }): string {
    if (!this.#isOver) this.#message.read(event, this.#listener)
    return this.#taken()
  }

  readonly #listener: MessageListener<void> = {
    ping: () => {
      // A comment keeps the connection alive here.
      this.#out += ': ping\n\n'
    },
    broken: () => this.#fail(malformedFailure('an event of the stream is not JSON')),
    begin: (message) => this.#begin(message),
    startBlock: (block) => this.#startBlock(block),
    addDelta: (delta) => this.#readDelta(delta),
    stopBlock: () => this.#stopBlock(),
  }

  #begin(message: unknown): void {
    if (this.#hasBegun) return
    this.#ids = new ResponseIds(stringField(message, 'id'), this.#options.id)
    this.#model = nameField(message, 'model') ?? this.#model
    this.#start()
  }

  #start(): void {
    this.#hasBegun = true
    const response = this.#response({ status: 'in_progress' })
    this.#send('response.created', { response })
    this.#send('response.in_progress', { response })
  }

  #startBlock(block: JsonObject): void {
    if (block.type === 'text') return this.#startText(textOf(block.text ?? ''))
    this.#closeItem()
    if (block.type === 'thinking' || block.type === 'redacted_thinking') return this.#startThinking(block)
    if (block.type === 'tool_use') return this.#startCall(block)
    if (block.type !== 'fallback') this.#lost.add('server_tools')
  }

  #startText(text: string): void {
    if (this.#open?.type !== 'message') {
      this.#closeItem()
      const id = this.#ids.item('msg', this.#output.length)
      this.#open = { type: 'message', id, parts: [], text: '', isPartOpen: false }
      this.#send('response.output_item.added', { item: messageItem(id, [], 'in_progress') }, 'output_index')
    }
    const open = this.#open
    open.text = ''
    open.isPartOpen = true
    this.#sendOfPart('response.content_part.added', { part: textPart('') })
    if (text !== '') this.#addText(text)
  }

  #addText(text: string): void {
    if (this.#open?.type !== 'message' || !this.#open.isPartOpen) return
    this.#open.text += text
    this.#sendOfPart('response.output_text.delta', { delta: text, logprobs: [] })
  }

  #startThinking(block: JsonObject): void {
    const id = this.#ids.item('rs', this.#output.length)
    this.#open = { type: 'reasoning', id, block: { ...block, thinking: '' }, hasSummary: false }
    const item = { id, type: 'reasoning', summary: [], encrypted_content: null, status: 'in_progress' }
    this.#send('response.output_item.added', { item }, 'output_index')
    this.#addThought(textOf(block.thinking ?? ''))
  }

  #addThought(text: string): void {
    if (this.#open?.type !== 'reasoning' || text === '') return
    if (!this.#open.hasSummary) {
      this.#open.hasSummary = true
      this.#sendOfSummary('response.reasoning_summary_part.added', {
        part: { type: 'summary_text', text: '' },
      })
    }
    this.#open.block.thinking += text
    this.#sendOfSummary('response.reasoning_summary_text.delta', { delta: text })
  }

  #startCall(block: JsonObject): void {
    const kind = kindOf(block.name, this.#options)
    const id = this.#ids.item(callPrefix(kind), this.#output.length)
    const input = kind.type === 'custom' ? new StringFieldReader('input') : undefined
    this.#open = { type: 'call', id, callId: block.id, kind, input, args: '' }
    this.#send(
      'response.output_item.added',
      { item: callItem(id, block.id, kind, undefined) },
      'output_index',
    )
    if (isObject(block.input) && Object.keys(block.input).length > 0)
      this.#addArguments(argumentsText(block.input))
  }

  #addArguments(text: string): void {
    const open = this.#open
    if (open?.type !== 'call' || text === '') return
    open.args += text
    if (open.kind.type === 'function') {
      this.#sendOfItem('response.function_call_arguments.delta', { delta: text })
    } else if (open.input !== undefined) {
      const delta = open.input.read(text)
      if (delta !== '') this.#sendOfItem('response.custom_tool_call_input.delta', { delta })
    }
  }

  #readDelta(delta: JsonObject): void {
    switch (delta.type) {
      case 'text_delta':
        return this.#addText(textOf(delta.text ?? ''))
      case 'thinking_delta':
        return this.#addThought(textOf(delta.thinking ?? ''))
      case 'signature_delta':
        if (this.#open?.type === 'reasoning') this.#open.block.signature = delta.signature
        return
      case 'input_json_delta':
        return this.#addArguments(textOf(delta.partial_json ?? ''))
      case 'citations_delta':
        this.#lost.add('citations')
    }
  }

  /** A message stays open: texts that follow are parts of the same one. */
  #stopBlock(): void {
    if (this.#open?.type === 'message') this.#closePart()
    else this.#closeItem()
  }

  #closePart(): void {
    const open = this.#open
    if (open?.type !== 'message' || !open.isPartOpen) return
    this.#sendOfPart('response.output_text.done', { text: open.text, logprobs: [] })
    this.#sendOfPart('response.content_part.done', { part: textPart(open.text) })
    open.parts.push(textPart(open.text))
    open.isPartOpen = false
  }

  #closeItem(status = 'completed'): void {
    this.#closePart()
    const open = this.#open
    if (open === undefined) return
    const item = this.#doneItem(open, status)
    this.#send('response.output_item.done', { item }, 'output_index')
    this.#output.push(item)
    this.#open = undefined
  }

  #doneItem(open: OpenItem, status: string): JsonObject {
    if (open.type === 'message') return messageItem(open.id, open.parts, status)
    if (open.type === 'reasoning') {
      const text = textOf(open.block.thinking)
      if (open.hasSummary) {
        this.#sendOfSummary('response.reasoning_summary_text.done', { text })
        this.#sendOfSummary('response.reasoning_summary_part.done', { part: { type: 'summary_text', text } })
      }
      return reasoningItem(open.id, open.block)
    }
    const args = open.args === '' ? '{}' : open.args
    if (open.kind.type === 'function') {
      this.#sendOfItem('response.function_call_arguments.done', { arguments: args, name: open.kind.name })
    } else if (open.kind.type === 'custom') {
      this.#sendOfItem('response.custom_tool_call_input.done', { input: customInput(args) })
    }
    return callItem(open.id, open.callId, open.kind, args)
  }

  finish(): string {
    if (this.#isOver) return ''
    if (!this.#hasBegun) this.#start()
    const end = endOf(this.#message.stopReason)
    this.#closeItem(end.status)
    if (this.#message.stopReason === 'pause_turn') this.#lost.add('pause_turn')
    this.#isOver = true
    this.#send(`response.${end.status}`, { response: this.#response(end) })
    return this.#taken()
  }

  fail(failure: Failure): string {
    if (!this.#isOver) this.#fail(failure)
    return this.#taken()
  }

  /** The items that are open stay so: a client must not take half a call for one. */
  #fail(failure: Failure): void {
    this.#isOver = true
    const worded = wordedFor('responses', failure)
    this.#out += decoder.decode(renderErrorEvent('responses', worded, { place: this.place }))
  }

  get place(): StreamPlace {
    return { nextSequence: this.#sequence, answerId: this.#ids.response, model: this.#model }
  }

  #response(state: ResponseState): JsonObject {
    return responseObject(
      this.#ids.response,
      this.#model,
      state,
      [...this.#output],
      this.#message.usage,
      this.#options,
    )
  }

  #sendOfItem(type: string, data: JsonObject): void {
    this.#send(type, { item_id: this.#open?.id, output_index: this.#output.length, ...data })
  }

  #sendOfPart(type: string, data: JsonObject): void {
    const content_index = this.#open?.type === 'message' ? this.#open.parts.length : 0
    this.#sendOfItem(type, { content_index, ...data })
  }

  #sendOfSummary(type: string, data: JsonObject): void {
    this.#sendOfItem(type, { summary_index: 0, ...data })
  }

  #send(type: string, data: JsonObject, place?: 'output_index'): void {
    const index = place === undefined ? {} : { output_index: this.#output.length }
    const event = { type, sequence_number: this.#sequence++, ...index, ...data }
    this.#out += `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`
  }

  #taken(): string {
    const out = this.#out
    this.#out = ''
    return out
  }
}
