import type { Target } from '@spillway/attempt'
import {
  deriveRequest,
  emit,
  type Failure,
  isStreamFailure,
  type ModelRequest,
  type ModelResponse,
  type ResponseBody,
} from '@spillway/middleware'
import type { Transcript } from '@spillway/middleware/kit'
import { AnswerRelay } from './answer-relay.ts'
import { canContinue, continuationRequest } from './continuation.ts'
import { createSplice } from './create-splice.ts'
import { ResponseSoFar } from './response-so-far.ts'
import type { Splice } from './splice.ts'
import { splicedBytes } from './spliced-bytes.ts'

/**
 * What happens when a stream breaks off after its first content. `fail`: it ends with an error event. `restart`: another
 * target starts the answer again behind a marker, for callers that send `x-spillway-restart: accept`. `continue`: another target
 * goes on from the text so far.
 */
export type MidStreamMode = 'fail' | 'restart' | 'continue'

export interface TakeOverOptions {
  readonly mode: Exclude<MidStreamMode, 'fail'>
  /** Whether a failure is worth another target. */
  readonly when: (failure: Failure) => boolean
  /** How long the targets together may take to begin, in milliseconds: the deadline of the call is over by then. */
  readonly reserve: number
  /** Has those who asked for it hear what is emitted on the request. */
  readonly heard: (request: ModelRequest) => ModelRequest
}

/** The mode that a call really gets: not each protocol can be spliced, and `restart` is for callers who know what it does to their stream. */
export function midStreamMode(request: ModelRequest, mode: MidStreamMode): MidStreamMode {
  if (!request.stream || request.operation !== 'generate') return 'fail'
  // Frames are not spliced.
  if (request.venue === 'bedrock') return 'fail'
  if (mode === 'restart' && request.headers['x-spillway-restart'] !== 'accept') return 'fail'
  return mode
}

/** A stream that other targets take over when it breaks off. */
export function withTakeOver(
  request: ModelRequest,
  response: ModelResponse,
  targets: readonly Target[],
  options: TakeOverOptions,
): ModelResponse {
  const stream = new TakenOverStream(request, response, targets, options)
  const { body, outcome } = stream.relay
  return { ...response, body, outcome, transcript: response.transcript && stream.transcript() }
}

class TakenOverStream {
  readonly relay: AnswerRelay
  readonly #request: ModelRequest
  readonly #targets: Target[]
  readonly #options: TakeOverOptions
  #transcript: Transcript | undefined
  /** What the caller has of a response, where another target may go on with it. */
  readonly #soFar: ResponseSoFar | undefined

  constructor(
    request: ModelRequest,
    response: ModelResponse,
    targets: readonly Target[],
    options: TakeOverOptions,
  ) {
    this.#request = request
    this.#targets = [...targets]
    this.#options = options
    this.#transcript = response.transcript
    this.relay = new AnswerRelay(request, response)
    const isKept = request.api === 'responses' && options.mode === 'continue'
    this.#soFar = isKept ? new ResponseSoFar() : undefined
    this.#pipe(response.body, (chunk) => {
      this.#soFar?.push(chunk)
      return chunk
    })
  }

  /** What the caller has been told, by whomever. */
  transcript(): Transcript {
    const current = (): Transcript | undefined => this.#transcript
    return {
      get blocks() {
        return current()?.blocks ?? []
      },
      get id() {
        return current()?.id
      },
    }
  }

  #pipe(body: ResponseBody, change: (chunk: Uint8Array) => Uint8Array): void {
    this.relay.pipe({ body, change, failed: (error) => this.#takeOver(error) })
  }

  async #takeOver(error: unknown): Promise<void> {
    const request = this.#request
    const { when, mode, reserve, heard } = this.#options
    if (!isStreamFailure(error) || !when(error.failure)) return this.relay.giveUp(error)
    const deadline = request.clock.now() + reserve
    for (let target = this.#targets.shift(); target !== undefined; target = this.#targets.shift()) {
      if (mode === 'continue' && (!canContinue(this.#transcript) || this.#soFar?.isLost)) break
      emit(heard(request), 'fallback.switched', {
        ...{ to: target.name, failure: error.failure, midStream: mode },
      })
      const response = await this.#ask(target, deadline)
      if (response === undefined) return
      if (response.failure === undefined) return this.#goOn(target, response)
      response.body.cancel()
    }
    this.relay.giveUp(error)
  }

  /** Undefined when the reader has left meanwhile. */
  async #ask(target: Target, deadline: number): Promise<ModelResponse | undefined> {
    const request = this.#request
    const signal = this.relay.leaving
    const model = target.model ?? request.model
    const transcript = this.#transcript
    const asked =
      this.#options.mode === 'continue' && transcript !== undefined
        ? continuationRequest(request, transcript, model)
        : request
    try {
      const context = { ...asked.context, divertedHeaders: asked.headers }
      return await target.handler(deriveRequest(asked, { context, deadline, signal, keepTranscript: true }))
    } catch (error) {
      if (!signal.aborted) throw error
      this.relay.giveUp(error)
      return undefined
    }
  }

  async #goOn(target: Target, response: ModelResponse): Promise<void> {
    this.relay.add(response.outcome)
    if (this.#options.mode === 'restart') {
      this.#transcript = response.transcript
      this.relay.body.push(restartMarker(this.#request, target))
      return this.#pipe(response.body, (chunk) => chunk)
    }
    const transcript = this.#transcript as Transcript
    const used = await Promise.all(this.relay.outcomes.slice(0, -1))
    const outputTokens = used.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0)
    const splice = createSplice(this.#request.api, transcript, outputTokens, this.#soFar)
    this.#transcript = splicedTranscript(transcript, splice, response)
    this.#pipe(response.body, splicedBytes(splice))
  }
}

/** What has been said in all, should the continuation break off as well. */
function splicedTranscript(before: Transcript, splice: Splice, response: ModelResponse): Transcript {
  return {
    id: before.id,
    get blocks() {
      const added = response.transcript?.blocks ?? []
      const last = before.blocks.at(-1)
      const whole = { type: 'text' as const, index: last?.index ?? 0, isOpen: last?.isOpen ?? false }
      const text = before.blocks.map((block) => block.text).join('') + splice.text
      // After anything but text behind the seam the stream cannot be continued again.
      return [{ ...whole, text }, ...added.filter(({ type }) => type === 'tool' || type === 'other')]
    },
  }
}

/** Tells a caller who accepts restarts that the message so far is void and another one follows. */
function restartMarker({ api }: ModelRequest, target: Target): Uint8Array {
  const data = JSON.stringify({ type: 'spillway_restart', target: target.name })
  return Buffer.from(api === 'anthropic' ? `event: spillway_restart\ndata: ${data}\n\n` : `: ${data}\n\n`)
}
