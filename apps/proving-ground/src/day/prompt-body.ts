import type { JsonBody, JsonObject } from '@spillway/middleware/kit'
import { image, type Session } from './traffic.ts'

/** Prose to cut prompts from: all in one byte a character, and nothing that JSON escapes. */
const prose =
  'The spillway carries water around the dam when the lake is full, and the gate opens as far as it has to. '.repeat(
    40_000,
  )
const pixels = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ'.repeat(1_500).slice(0, image.bytes)

/**
 * The prompt of a conversation as it grows. Prompts have megabytes and there are a hundred thousand of them, so each body is a
 * view of the one array that the conversation has: it is good until the next turn.
 */
export class GrowingPrompt {
  #bytes = Buffer.allocUnsafe(64 * 1024)
  #end = 0
  readonly #messages: JsonObject[] = []
  readonly #system: string
  readonly #session: Session
  readonly #tail: string
  tokens = 0

  constructor(session: Session, name: string, maxTokens: number) {
    this.#session = session
    this.#system = `You are agent ${name}. ${prose.slice(0, 2_000)}`
    this.#tail = `],"max_tokens":${maxTokens},"stream":true}`
    this.#append(`{"model":"${session.model}","system":"${this.#system}","messages":[`)
  }

  /** The next turn: what the model said last, and what comes then. */
  add(tokens: number, hasImage: boolean): void {
    const text = Math.max(50, tokens - (hasImage ? image.tokens : 0))
    const size = Math.min(prose.length, Math.round(text * this.#session.bytesPerToken))
    if (this.tokens > 0) this.#say({ role: 'assistant', content: prose.slice(0, Math.floor(size / 4)) })
    const content = prose.slice(0, this.tokens > 0 ? size - Math.floor(size / 4) : size)
    const source = { type: 'base64', media_type: 'image/png', data: pixels }
    const blocks = [{ type: 'text', text: content }, ...(hasImage ? [{ type: 'image', source }] : [])]
    this.#say({ role: 'user', content: blocks })
    this.tokens += tokens
  }

  /** The body of this turn. */
  body(): JsonBody {
    const json: JsonObject = {
      model: this.#session.model,
      system: this.#system,
      messages: [...this.#messages],
      max_tokens: Number(/\d+/.exec(this.#tail)?.[0]),
      stream: true,
    }
    const end = this.#end
    this.#append(this.#tail)
    const bytes = this.#bytes.subarray(0, this.#end)
    this.#end = end
    return { bytes, json }
  }

  #say(message: JsonObject): void {
    this.#append((this.#messages.length > 0 ? ',' : '') + JSON.stringify(message))
    this.#messages.push(message)
  }

  #append(text: string): void {
    if (this.#end + text.length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * (this.#end + text.length))
      this.#bytes.copy(larger, 0, 0, this.#end)
      this.#bytes = larger
    }
    this.#end += this.#bytes.write(text, this.#end, 'latin1')
  }
}
