import type { Api } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { parseBounded } from '../bounded-json.ts'
import { isObject } from '../json/values.ts'
import type { SseEvent } from '../sse-event.ts'
import { AnthropicAssembler } from './anthropic-assembler.ts'
import { OpenAiAssembler } from './openai-assembler.ts'
import { ResponsesAssembler } from './responses-assembler.ts'

/** What puts the events of one protocol together. */
interface ProtocolAssembler {
  read(event: JsonObject): void
  toJson(): string | undefined
}

const assemblers: Readonly<Record<Api, new () => ProtocolAssembler>> = {
  anthropic: AnthropicAssembler,
  openai: OpenAiAssembler,
  responses: ResponsesAssembler,
}

/**
 * Puts a stream together into the answer that it would have been without streaming: the rules by which the official SDKs
 * accumulate their snapshots. Fields that it has never heard of are kept.
 */
export class AnswerAssembler {
  readonly #protocol: ProtocolAssembler
  /** Whether the events make no answer, whatever follows. */
  isBroken = false

  constructor(api: Api) {
    this.#protocol = new assemblers[api]()
  }

  read(event: SseEvent): void {
    if (this.isBroken) return
    const data = parseBounded(event.data)
    if (!isObject(data)) return
    try {
      this.#protocol.read(data)
    } catch {
      this.isBroken = true
    }
  }

  /** The answer as JSON; undefined where the events do not make one. A tool's input in it may still be no JSON. */
  toJson(): string | undefined {
    if (this.isBroken) return undefined
    try {
      return this.#protocol.toJson()
    } catch {
      // More levels than JSON is written for.
      return undefined
    }
  }
}
