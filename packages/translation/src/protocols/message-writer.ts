import type { Failure, Usage } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { renderErrorEvent } from '@spillway/wire'
import { wordedFor } from '@spillway/wire/internal'
import { stopFields } from './answer-to-anthropic.ts'
import { usageForAnthropic } from './usage-translation.ts'

const decoder = new TextDecoder()

/** Writes the events of a message, block after block. */
export class MessageWriter {
  #out = ''

  begin(id: string, model: unknown): void {
    const message = {
      id,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      // The server says it at the end; `message_delta` corrects it.
      usage: usageForAnthropic(undefined),
    }
    this.#send('message_start', { message })
  }

  startBlock(index: number, content_block: JsonObject): void {
    this.#send('content_block_start', { index, content_block })
  }

  addDelta(index: number | undefined, delta: JsonObject): void {
    this.#send('content_block_delta', { index, delta })
  }

  stopBlock(index: number): void {
    this.#send('content_block_stop', { index })
  }

  end(reason: string, usage: Usage | undefined): void {
    this.#send('message_delta', { delta: stopFields(reason), usage: usageForAnthropic(usage) })
    this.#send('message_stop', {})
  }

  fail(failure: Failure): void {
    this.#out += decoder.decode(renderErrorEvent('anthropic', wordedFor('anthropic', failure)))
  }

  #send(type: string, data: JsonObject): void {
    this.#out += `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
  }

  /** What has been written since the last time. */
  taken(): string {
    const out = this.#out
    this.#out = ''
    return out
  }
}
