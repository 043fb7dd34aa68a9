import type { Failure } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { malformedFailure, renderErrorEvent } from '@spillway/wire'
import {
  isObject,
  nameField,
  type ReasoningDetails,
  stringField,
  textOf,
  wordedFor,
  writeJson,
} from '@spillway/wire/internal'
import { answerIdFor } from './answer-ids.ts'
import type { AnswerOptions } from './answer-options.ts'
import { redactedDetail, thinkingDetail } from './answer-to-openai.ts'
import { type Loss, mergeLosses } from './loss.ts'
import { type MessageListener, MessageReader } from './message-reader.ts'
import { carriedDetails, isSpillwaySigned } from './spillway-signature.ts'
import { finishReasonOf } from './stop-reason.ts'
import type { StreamTranslation } from './stream-translation.ts'
import { usageForOpenAi } from './usage-translation.ts'

const decoder = new TextDecoder()

/** Translates the events of a message into a stream of chat chunks. */
export class StreamToOpenAi implements StreamTranslation {
  readonly #options: AnswerOptions
  readonly #lost = new Set<Loss>()
  readonly #message = new MessageReader()
  #id: string | undefined
  #model = ''
  #isOver = false
  /** Calls and trains of thought so far. */
  #calls = 0
  #thoughts = 0
  /** Whether the open block is a call that has no arguments yet. */
  #lacksArguments = false
  /** Whether the open block is a call of the caller's own tools; the vendor's have arguments too, which are not read here. */
  #isCall = false

  constructor(options: AnswerOptions = {}) {
    this.#options = options
  }

  get degraded(): readonly Loss[] {
    return mergeLosses([...this.#lost])
  }

  read(event: { readonly name: string; readonly data: string }): string {
    return this.#isOver ? '' : (this.#message.read(event, this.#listener) ?? '')
  }

  readonly #listener: MessageListener<string> = {
    // A comment keeps the connection alive here.
    ping: () => ': ping\n\n',
    broken: () => this.fail(malformedFailure('an event of the stream is not JSON')),
    begin: (message) => this.#begin(message),
    startBlock: (block) => this.#startBlock(block),
    addDelta: (delta) => this.#readDelta(delta),
    stopBlock: () => this.#stopBlock(),
  }

  #begin(message: unknown): string {
    this.#id = answerIdFor('openai', stringField(message, 'id'), this.#options.id)
    // It is in every chunk.
    this.#model = nameField(message, 'model') ?? this.#options.model ?? ''
    return this.#delta({ role: 'assistant', content: '', refusal: null })
  }

  #startBlock(block: JsonObject): string {
    this.#isCall = block.type === 'tool_use'
    switch (block.type) {
      case 'text':
        return block.text ? this.#delta({ content: block.text }) : ''
      case 'thinking':
        this.#thoughts++
        return block.thinking ? this.#think({ thinking: block.thinking }) : ''
      case 'redacted_thinking':
        return this.#delta({ reasoning_details: [redactedDetail(block, this.#thoughts++)] })
      case 'tool_use': {
        const name = textOf(block.name)
        const input = isObject(block.input) && Object.keys(block.input).length > 0 ? block.input : undefined
        this.#lacksArguments = input === undefined
        const fn = {
          name: this.#options.toolNames?.get(name) ?? name,
          arguments: input === undefined ? '' : writeJson(input),
        }
        const call = { index: this.#calls++, id: block.id, type: 'function', function: fn }
        return this.#delta({ tool_calls: [call] })
      }
      case 'fallback':
        return ''
    }
    this.#lost.add('server_tools')
    return ''
  }

  #readDelta(delta: JsonObject): string {
    switch (delta.type) {
      case 'text_delta':
        return this.#delta({ content: delta.text })
      case 'thinking_delta':
        return this.#think({ thinking: delta.thinking })
      case 'signature_delta':
        return isSpillwaySigned(delta)
          ? this.#giveBack(carriedDetails(delta))
          : this.#think({ signature: delta.signature })
      case 'input_json_delta':
        return this.#isCall && delta.partial_json ? this.#addArguments(textOf(delta.partial_json)) : ''
      case 'citations_delta':
        this.#lost.add('citations')
    }
    return ''
  }

  /** Both forms in use: the text alone, and traces that can be sent back with their signature. */
  #think(piece: { thinking?: unknown; signature?: unknown }): string {
    const text = piece.thinking === undefined ? {} : { reasoning_content: piece.thinking }
    return this.#delta({ ...text, reasoning_details: [thinkingDetail(piece, this.#thoughts - 1)] })
  }

  /** What another vendor wants to see again, as that vendor gave it. */
  #giveBack(details: ReasoningDetails): string {
    return details.length === 0 ? '' : this.#delta({ reasoning_details: details })
  }

  #addArguments(text: string): string {
    this.#lacksArguments = false
    return this.#delta({ tool_calls: [{ index: this.#calls - 1, function: { arguments: text } }] })
  }

  /** No arguments at all are an empty object; an empty string is no JSON. */
  #stopBlock(): string {
    const isEmpty = this.#isCall && this.#lacksArguments
    this.#isCall = false
    return isEmpty ? this.#addArguments('{}') : ''
  }

  finish(): string {
    if (this.#isOver) return ''
    this.#isOver = true
    if (this.#message.stopReason === 'pause_turn') this.#lost.add('pause_turn')
    const last = this.#delta({}, finishReasonOf(this.#message.stopReason))
    const usage = this.#options.includeUsage
      ? this.#chunk({ choices: [], usage: usageForOpenAi(this.#message.usage) })
      : ''
    return `${last}${usage}data: [DONE]\n\n`
  }

  #delta(delta: JsonObject, finish_reason: string | null = null): string {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }]
    return this.#chunk({ choices, ...(this.#options.includeUsage ? { usage: null } : {}) })
  }

  #chunk(fields: JsonObject): string {
    const { created = 0 } = this.#options
    const id = this.#id ?? answerIdFor('openai', undefined, this.#options.id)
    const chunk = { id, object: 'chat.completion.chunk', created, model: this.#model, ...fields }
    return `data: ${JSON.stringify(chunk)}\n\n`
  }

  fail(failure: Failure): string {
    if (this.#isOver) return ''
    this.#isOver = true
    return decoder.decode(renderErrorEvent('openai', wordedFor('openai', failure)))
  }
}
