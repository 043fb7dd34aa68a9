import {
  isStreamFailure,
  type ModelRequest,
  type ModelResponse,
  type ResponseBody,
  type StreamFailure,
} from '@spillway/middleware'
import { type JsonObject, readBody, type Transcript, type TranscriptBlock } from '@spillway/middleware/kit'
import { AnswerRelay } from './answer-relay.ts'
import { iteration, type ModelRefusal, readRefusal, seamBlock } from './model-refusal.ts'
import { type PartialMessage, partialMessage } from './partial-message.ts'
import type { NextAnswer, RefusalChain } from './refusal-chain.ts'
import { blockStop, ping, refusalEnd, seamSplice, wholeBlocks } from './seam-splice.ts'

/** How often the caller gets a ping while the next model has not begun, in milliseconds. */
const pingEvery = 15_000

export interface SeamedStreamOptions {
  readonly chain: RefusalChain
  readonly request: ModelRequest
  /** Of the first model that has begun to answer. */
  readonly response: ModelResponse
  readonly model: string
  /** Between the models that have declined before any output, and what these have used. */
  readonly seams: readonly JsonObject[]
  readonly iterations: readonly JsonObject[]
}

/** A stream that other models take over where one declines. The bytes of a first model that does not are its own. */
export class SeamedStream {
  readonly relay: AnswerRelay
  readonly #chain: RefusalChain
  readonly #request: ModelRequest
  readonly #iterations: JsonObject[]
  readonly #transcripts: {
    readonly of: Transcript | undefined
    readonly shift: number
    readonly seams: number
  }[] = []
  #model: string
  /** What the current model has sent, should it decline; undefined where that is more than is kept. */
  #sent: Uint8Array[] | undefined = []
  #sentBytes = 0
  /** How far the indices of its blocks are moved. */
  #shift: number

  constructor(options: SeamedStreamOptions) {
    const { chain, request, response, model, seams, iterations } = options
    this.#chain = chain
    this.#request = request
    this.#model = model
    this.#iterations = [...iterations]
    this.#shift = seams.length
    this.relay = new AnswerRelay(request, response)
    this.#transcripts.push({ of: response.transcript, shift: this.#shift, seams: seams.length })
    const change =
      seams.length === 0 ? same : seamSplice({ model, seams, offset: 0, hasBegun: false, iterations })
    this.#pipe(response.body, change)
  }

  /** What all models have said. A seam is no text: only a permitted model goes on behind it. */
  transcript(): Transcript {
    const parts = this.#transcripts
    return {
      get blocks() {
        return parts.flatMap(({ of, shift, seams }) => [
          ...Array.from({ length: seams }, (_, i) => seamInTranscript(shift - seams + i)),
          ...(of?.blocks ?? []).map((block) => ({ ...block, index: block.index + shift })),
        ])
      },
      get id() {
        return parts[0]?.of?.id
      },
    }
  }

  #pipe(body: ResponseBody, change: (chunk: Uint8Array) => Uint8Array): void {
    this.relay.pipe({
      body,
      change: (chunk) => {
        this.#keep(chunk)
        return change(chunk)
      },
      failed: async (error) => {
        if (isRefused(error)) await this.#takeOver(error, error.eventBytes)
        else this.relay.giveUp(error)
      },
    })
  }

  #keep(chunk: Uint8Array): void {
    this.#sentBytes += chunk.length
    if (this.#sentBytes > this.#request.maxHeldBytes) this.#sent = undefined
    this.#sent?.push(chunk)
  }

  async #takeOver(error: Error, eventBytes: Uint8Array): Promise<void> {
    const part = this.#sent && partialMessage([...this.#sent, eventBytes])
    // No model can go on within a call: nor does Anthropic's server.
    if (part === undefined || part.isInCall) return this.#end(eventBytes)
    // An error that says so is no answer.
    if (part.message.stop_reason !== 'refusal') return this.relay.giveUp(error)
    let { message } = part
    let refusal = readRefusal(message, this.#model)
    this.#iterations.push(iteration('message', this.#model, refusal.usage))
    const seams: JsonObject[] = []
    for (;;) {
      const answer = await this.#ask(refusal)
      if (answer === undefined) break
      seams.push(seamBlock(refusal, answer.model))
      this.relay.add(answer.response.outcome)
      if (answer.response.refusal === undefined) return this.#goOn(part, seams, answer)
      message = partialMessage([await readBody(answer.response.body)])?.message ?? {}
      refusal = readRefusal(message, answer.model)
      this.#iterations.push(iteration('message', answer.model, refusal.usage))
    }
    if (seams.length === 0) return this.#end(eventBytes)
    const told = [
      ...this.#iterations.slice(0, -1),
      iteration('fallback_message', refusal.from, refusal.usage),
    ]
    this.#end(Buffer.from(this.#opening(part, seams) + refusalEnd(message, told)))
  }

  async #ask(refusal: ModelRefusal): Promise<NextAnswer | undefined> {
    const { clock, timeouts } = this.#request
    let stop = (): void => {}
    const keepAlive = (): void => {
      stop = clock.setTimer(pingEvery, () => {
        this.relay.body.push(Buffer.from(ping))
        keepAlive()
      })
    }
    keepAlive()
    try {
      return await this.#chain.next(refusal, {
        continues: true,
        signal: this.relay.leaving,
        // That of the call ended when it began to be answered.
        deadline: clock.now() + timeouts.total,
      })
    } finally {
      stop()
    }
  }

  #goOn(part: PartialMessage, seams: readonly JsonObject[], { model, response }: NextAnswer): void {
    const offset = this.#shift + part.next
    this.relay.body.push(Buffer.from(part.open.map((index) => blockStop(index + this.#shift)).join('')))
    this.#chain.settle(model)
    this.#model = model
    this.#sent = []
    this.#sentBytes = 0
    this.#shift = offset + seams.length
    this.#transcripts.push({ of: response.transcript, shift: this.#shift, seams: seams.length })
    const iterations = [...this.#iterations]
    this.#pipe(response.body, seamSplice({ model, seams, offset, hasBegun: true, iterations }))
  }

  #opening({ open, next }: PartialMessage, seams: readonly JsonObject[]): string {
    const closed = open.map((index) => blockStop(index + this.#shift)).join('')
    return closed + wholeBlocks(seams, this.#shift + next)
  }

  /** The last refusal is the end of the answer. */
  #end(bytes: Uint8Array): void {
    this.relay.body.push(bytes)
    this.relay.end()
  }
}

type Refused = StreamFailure & { readonly eventBytes: Uint8Array }

function isRefused(error: unknown): error is Refused {
  return isStreamFailure(error) && error.failure.kind === 'refusal' && error.eventBytes !== undefined
}

const same = (chunk: Uint8Array): Uint8Array => chunk

function seamInTranscript(index: number): TranscriptBlock {
  return { type: 'other', text: '', index, isOpen: false }
}
