import type { Failure, Usage } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { malformedFailure } from '@spillway/wire'
import {
  type CallPiece,
  callPieces,
  contentPieces,
  isObject,
  joinDetails,
  laterUsage,
  objectsOf,
  parseBounded,
  reasoningText,
  stringField,
  usageOfCompletion,
  withSources,
  writeJson,
} from '@spillway/wire/internal'
import { answerIdFor } from './answer-ids.ts'
import type { AnswerOptions } from './answer-options.ts'
import type { Loss } from './loss.ts'
import { MessageWriter } from './message-writer.ts'
import { spillwaySignature } from './spillway-signature.ts'
import { stopReasonOf } from './stop-reason.ts'
import type { StreamTranslation } from './stream-translation.ts'
import { TextBlock, ToolBlock } from './tool-block.ts'
import { answeredToolId } from './tool-names.ts'

/** Bytes that wait behind an open block at most: a server that sends its calls by turns may never end the first. */
const mostWaiting = 16 * 1024 * 1024

/** What a block takes besides its text, roughly. */
const blockWeight = 200

/** Calls, and pieces of one train of thought, that an answer has at most. */
const mostCalls = 10_000
const mostDetails = 100_000

/**
 * Translates a stream of chat chunks into the events of a message. Blocks of a message do not interleave: the first open
 * one is passed on as it grows; what comes meanwhile for others waits until it is whole.
 */
export class StreamToAnthropic implements StreamTranslation {
  readonly #options: AnswerOptions
  /** Blocks begun by the server and not yet ended for the caller; the first one is open. */
  readonly #blocks: (TextBlock | ToolBlock)[] = []
  /** Calls by the server's index. */
  readonly #calls = new Map<number, ToolBlock>()
  readonly #details: JsonObject[] = []
  #id = ''
  #hasBegun = false
  #isOver = false
  #openIndex: number | undefined
  #nextIndex = 0
  /** What all of `#blocks` take. */
  #waiting = 0
  #callCount = 0
  #begunCalls = 0
  #refused = false
  #finishReason: string | undefined
  #usage: Usage | undefined
  readonly #message = new MessageWriter()

  constructor(options: AnswerOptions = {}) {
    this.#options = options
  }

  /** Whatever streams have, messages have. */
  readonly degraded: readonly Loss[] = []

  read({ name, data }: { readonly name: string; readonly data: string }): string {
    if (this.#isOver) return ''
    const chunk = parseBounded(data)
    if (!isObject(chunk)) {
      if (name !== '' || data.trim() === '') return ''
      return this.fail(malformedFailure('an event of the stream is not JSON'))
    }
    this.#begin(chunk)
    this.#usage = laterUsage(this.#usage, usageOfCompletion(chunk))
    const choices = objectsOf(chunk.choices)
    const choice = choices.find(({ index }) => index === undefined || index === 0)
    if (choice !== undefined) this.#readChoice(choice, chunk, data)
    this.#advance(false)
    const saysUsageLast = choices.length === 0 && this.#usage !== undefined
    if (this.#finishReason !== undefined && saysUsageLast) return this.finish()
    return this.#message.taken()
  }

  finish(): string {
    if (this.#isOver) return ''
    this.#advance(true)
    this.#isOver = true
    this.#message.end(stopReasonOf(this.#finishReason, this.#callCount > 0, this.#refused), this.#usage)
    return this.#message.taken()
  }

  #readChoice(choice: JsonObject, chunk: JsonObject, data: string): void {
    const delta = isObject(choice.delta) ? choice.delta : isObject(choice.message) ? choice.message : {}
    const details = objectsOf(delta.reasoning_details)
    const thought = reasoningText(delta)
    if (this.#details.length + details.length > mostDetails)
      throw new RangeError('too many pieces of reasoning')
    for (const detail of details) this.#details.push(detail)
    if (details.length > 0 || thought !== '') this.#add('thinking', thought)
    for (const { type, text } of contentPieces(delta.content)) this.#add(type, text)
    const refusal = stringField(delta, 'refusal') ?? ''
    this.#refused ||= refusal !== ''
    if (refusal !== '') this.#add('text', refusal)
    const calls = callPieces(delta)
    // Some servers send arguments as an object, which is passed on as it came.
    if (calls.some(({ input }) => isObject(input))) withSources(chunk, Buffer.from(data))
    for (const call of calls) this.#readCall(call)
    // Some servers send an empty one with each chunk.
    this.#finishReason = stringField(choice, 'finish_reason') || this.#finishReason
  }

  #add(type: 'text' | 'thinking', text: string): void {
    let block = this.#blocks.at(-1)
    if (!(block instanceof TextBlock) || block.type !== type) {
      block = new TextBlock(type)
      this.#queue(block)
    }
    block.add(text)
    this.#waiting += text.length
  }

  #queue(block: TextBlock | ToolBlock): void {
    this.#blocks.push(block)
    this.#waiting += blockWeight
  }

  /** Some servers number all calls alike: another id is another call. */
  #readCall({ id, index, name, input, isCustom }: CallPiece): void {
    let block = this.#calls.get(index)
    const isAnother = block?.id !== undefined && id !== undefined && id !== block.id && name !== ''
    if (block === undefined || isAnother) {
      if (++this.#begunCalls > mostCalls) throw new RangeError(`more than ${mostCalls} tool calls`)
      block = new ToolBlock(isCustom)
      this.#calls.set(index, block)
      this.#queue(block)
    }
    block.id ??= id
    if (name !== '') block.addName(name)
    if (input == null) return
    const text = typeof input === 'string' ? input : writeJson(input)
    block.add(text)
    this.#waiting += text.length
  }

  /**
   * Sends what can be sent, block by block.
   * @throws RangeError when more waits behind the open block than can be kept
   */
  #advance(all: boolean): void {
    for (let block = this.#blocks[0]; block !== undefined; block = this.#blocks[0]) {
      this.#pass(block, all)
      const isLast = this.#blocks.length === 1
      if (!all && (isLast || !block.isComplete)) break
      this.#close(block)
      this.#blocks.shift()
      this.#waiting -= blockWeight
    }
    if (this.#waiting > mostWaiting) throw new RangeError('what waits for the first call to end is too long')
  }

  #pass(block: TextBlock | ToolBlock, all: boolean): void {
    if (this.#openIndex === undefined) {
      if (!block.canOpen(all)) return
      this.#openIndex = this.#nextIndex++
      this.#message.startBlock(this.#openIndex, this.#opening(block))
    }
    if (block.pending === '') return
    this.#delta(deltaOf(block.type, block.pending))
    this.#waiting -= block.pending.length
    block.pending = ''
  }

  #opening(block: TextBlock | ToolBlock): JsonObject {
    if (!(block instanceof ToolBlock)) {
      return block.type === 'text'
        ? { type: 'text', text: '' }
        : { type: 'thinking', thinking: '', signature: '' }
    }
    const name = this.#options.toolNames?.get(block.name) ?? block.name
    const id = answeredToolId(block.id, this.#id, this.#callCount++)
    return { type: 'tool_use', id, name, input: {} }
  }

  #close(block: TextBlock | ToolBlock): void {
    if (this.#openIndex === undefined) {
      this.#waiting -= block.pending.length
      return
    }
    if (block.ending !== '') this.#delta(deltaOf(block.type, block.ending))
    if (block.type === 'thinking') {
      const details = joinDetails(this.#details.splice(0))
      this.#delta({ type: 'signature_delta', signature: spillwaySignature(details) })
    }
    this.#message.stopBlock(this.#openIndex)
    this.#openIndex = undefined
  }

  #delta(delta: JsonObject): void {
    this.#message.addDelta(this.#openIndex, delta)
  }

  #begin(chunk: JsonObject): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#id = answerIdFor('anthropic', stringField(chunk, 'id'), this.#options.id)
    this.#message.begin(this.#id, chunk.model || (this.#options.model ?? ''))
  }

  fail(failure: Failure): string {
    if (this.#isOver) return ''
    this.#isOver = true
    this.#message.fail(failure)
    return this.#message.taken()
  }
}

function deltaOf(type: 'text' | 'thinking' | 'tool', text: string): JsonObject {
  if (type === 'text') return { type: 'text_delta', text }
  if (type === 'thinking') return { type: 'thinking_delta', thinking: text }
  return { type: 'input_json_delta', partial_json: text }
}
