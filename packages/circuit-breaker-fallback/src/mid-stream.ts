import type { Target } from '@spillway/attempt'
import {
  BodyChannel,
  deriveRequest,
  emit,
  type Failure,
  isStreamFailure,
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  type ResponseBody,
  StreamFailure,
  type Transcript,
} from '@spillway/middleware'
import { malformedFailure, SseScanner } from '@spillway/wire'
import { canContinue, continuationRequest } from './continuation.ts'
import { createSplice } from './create-splice.ts'
import { joinOutcomes } from './joined-outcome.ts'
import type { Splice } from './splice.ts'

/**
 * What happens when a stream breaks off after its first content. `fail`: it ends with an error event. `restart`: another
 * target begins anew behind a marker, for callers that send `x-spillway-restart: accept`. `continue`: another target
 * goes on from the text so far.
 */
export type MidStreamMode = 'fail' | 'restart' | 'continue'

export interface TakeOverOptions {
  readonly mode: Exclude<MidStreamMode, 'fail'>
  /** Whether a failure is worth another target. */
  readonly when: (failure: Failure) => boolean
  /** How long the targets together may take to begin, in milliseconds: the deadline of the call is over by then. */
  readonly reserve: number
}

/** The mode that a call really gets: `restart` is for callers who know what it does to their stream. */
export function midStreamMode(request: ModelRequest, mode: MidStreamMode): MidStreamMode {
  if (!request.stream || request.operation !== 'generate') return 'fail'
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
  const relay = new StreamRelay(request, response, targets, options)
  const transcript = response.transcript && relay.transcript()
  return { ...response, body: relay.body, outcome: relay.outcome, transcript }
}

class StreamRelay {
  readonly body: BodyChannel
  readonly outcome: Promise<Outcome>
  readonly #request: ModelRequest
  readonly #targets: Target[]
  readonly #options: TakeOverOptions
  readonly #outcomes: Promise<Outcome>[]
  readonly #allOver = Promise.withResolvers<void>()
  #current: ResponseBody
  #transcript: Transcript | undefined
  /** Aborts for the targets that take over when the caller or the reader leaves. */
  readonly #leaving = new AbortController()

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
    this.#outcomes = [response.outcome]
    this.#current = response.body
    this.body = new BodyChannel({
      pause: () => {},
      resume: () => this.#current.resume(),
      cancel: (reason) => {
        this.#leaving.abort(reason)
        this.#current.cancel(reason)
        this.#finish()
      },
    })
    this.outcome = this.#allOver.promise.then(() => joinOutcomes(this.#outcomes))
    request.signal?.addEventListener('abort', this.#leave)
    this.#pipe(response.body, (chunk) => chunk)
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

  /** Passes a body on; `change` may turn its bytes into others. */
  #pipe(body: ResponseBody, change: (chunk: Uint8Array) => Uint8Array): void {
    this.#current = body
    body.pipe({
      write: (chunk) => {
        try {
          this.body.push(change(chunk))
        } catch {
          // Of no protocol's form: what has been said so far stays, and the caller hears that no more comes.
          body.cancel()
          this.#giveUp(new StreamFailure(malformedFailure('the continuation makes no sense')))
        }
        return !this.body.paused
      },
      end: () => {
        this.#finish()
        this.body.end()
      },
      fail: (error) => {
        this.#takeOver(error).catch((fault: unknown) => this.#giveUp(fault))
      },
    })
  }

  #giveUp(error: unknown): void {
    this.#finish()
    this.body.fail(error)
  }

  #finish(): void {
    this.#request.signal?.removeEventListener('abort', this.#leave)
    this.#allOver.resolve()
  }

  readonly #leave = (): void => this.#leaving.abort(this.#request.signal?.reason)

  async #takeOver(error: unknown): Promise<void> {
    const request = this.#request
    const { when, mode, reserve } = this.#options
    if (!isStreamFailure(error) || !when(error.failure)) return this.#giveUp(error)
    const deadline = request.clock.now() + reserve
    for (let target = this.#targets.shift(); target !== undefined; target = this.#targets.shift()) {
      if (mode === 'continue' && !canContinue(this.#transcript)) break
      emit(request, 'fallback.switched', { to: target.name, failure: error.failure, midStream: mode })
      const response = await this.#ask(target, deadline)
      if (response === undefined) return
      if (response.failure === undefined) return this.#goOn(target, response)
      response.body.cancel()
    }
    this.#giveUp(error)
  }

  /** Undefined when the reader has left meanwhile. */
  async #ask(target: Target, deadline: number): Promise<ModelResponse | undefined> {
    const request = this.#request
    const { signal } = this.#leaving
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
      this.#giveUp(error)
      return undefined
    }
  }

  async #goOn(target: Target, response: ModelResponse): Promise<void> {
    this.#outcomes.push(response.outcome)
    if (this.#options.mode === 'restart') {
      this.#transcript = response.transcript
      this.body.push(restartMarker(this.#request, target))
      return this.#pipe(response.body, (chunk) => chunk)
    }
    const transcript = this.#transcript as Transcript
    const used = await Promise.all(this.#outcomes.slice(0, -1))
    const outputTokens = used.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0)
    const splice = createSplice(this.#request.api, transcript, outputTokens)
    this.#transcript = splicedTranscript(transcript, splice, response)
    this.#pipe(response.body, spliced(splice))
  }
}

function spliced(splice: Splice): (chunk: Uint8Array) => Uint8Array {
  let text = ''
  const scanner = new SseScanner((event) => {
    text += splice.read(event)
  })
  return (chunk) => {
    scanner.push(chunk)
    const bytes = Buffer.from(text)
    text = ''
    return bytes
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
      // Anything but text behind the seam ends the chance to go on once more.
      return [{ ...whole, text }, ...added.filter(({ type }) => type === 'tool' || type === 'other')]
    },
  }
}

/** Tells a caller who accepts restarts that the message so far is void and another one follows. */
function restartMarker({ api }: ModelRequest, target: Target): Uint8Array {
  const data = JSON.stringify({ type: 'spillway_restart', target: target.name })
  return Buffer.from(api === 'anthropic' ? `event: spillway_restart\ndata: ${data}\n\n` : `: ${data}\n\n`)
}
