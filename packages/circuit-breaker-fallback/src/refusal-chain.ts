import {
  deriveRequest,
  emit,
  type Failure,
  type Handler,
  type ModelRequest,
  type ModelResponse,
} from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { modelRefusal } from '@spillway/wire/internal'
import type { ModelRefusal } from './model-refusal.ts'
import type { RefusalSettings } from './refusal-options.ts'
import { type Retry, retryRequest, withoutSpeed } from './refusal-retry.ts'

/** How the next model is asked. */
export interface Asking {
  /** Whether it goes on from what has been said, where that may be. */
  readonly continues: boolean
  readonly signal?: AbortSignal | undefined
  readonly deadline?: number | undefined
}

/** The next model's response at its commit point; it may decline too. */
export interface NextAnswer {
  readonly model: string
  readonly response: ModelResponse
  /** What the model before has said and this one goes on from; empty where it answers without it. */
  readonly continued: readonly JsonObject[]
  /** The turn that its request ended with, less what the caller had there; its own refusal would be bound to it. */
  readonly turn: readonly JsonObject[]
}

/** A call whose first model has been asked. */
export interface ChainStart {
  /** As it was asked for. */
  readonly call: ModelRequest
  /** As it was sent, but for the model. */
  readonly request: ModelRequest
  /** The model that was asked: the one that the conversation stays with, or the call's own. */
  readonly first: string
  /** Who answered. */
  readonly target: string | undefined
}

/** The models that are left for one call. */
export class RefusalChain {
  readonly #settings: RefusalSettings
  readonly #next: Handler
  readonly #call: ModelRequest
  readonly #request: ModelRequest
  readonly #first: string
  readonly #target: string | undefined
  #left: string[] | undefined
  /** The turn that the request of the last refusal ended with, which its token is bound to. */
  #carried: readonly JsonObject[] = []

  constructor(settings: RefusalSettings, next: Handler, { call, request, first, target }: ChainStart) {
    this.#settings = settings
    this.#next = next
    this.#call = call
    this.#request = request
    this.#first = first
    this.#target = target
  }

  /** Asks the models that are left until one does not fail; undefined where none is left. */
  async next(refusal: ModelRefusal, asking: Asking): Promise<NextAnswer | undefined> {
    this.#left ??= await this.#candidates(asking)
    for (let model = this.#left.shift(); model !== undefined; model = this.#left.shift()) {
      const retries = this.#retries(refusal, model, asking)
      if (retries.length === 0) return undefined
      emit(this.#request, 'fallback.switched', {
        to: this.#target ?? model,
        model,
        failure: modelRefusal(refusal.category ?? undefined),
        ...(asking.continues && asking.signal !== undefined && { midStream: 'continue' as const }),
      })
      const answer = await this.#ask(retries, asking)
      if (answer.response.failure === undefined) {
        this.#carried = answer.turn
        return answer
      }
      // Its token was not redeemed: it is good for the next one.
      answer.response.body.cancel()
    }
    return undefined
  }

  /** The conversation stays with this model. */
  settle(model: string): void {
    if (model !== this.#call.model) this.#settings.settled.settle(this.#call, model)
  }

  async #candidates({ signal, deadline }: Asking): Promise<string[]> {
    const { modelsFor, permitted } = this.#settings
    const wanted = modelsFor(this.#call.model)
    const asks = deriveRequest(this.#call, {
      ...(signal !== undefined && { signal }),
      ...(deadline !== undefined && { deadline }),
    })
    const allowed = wanted?.length === 0 ? [] : await permitted(asks)
    const both = allowed === undefined ? wanted : wanted?.filter((model) => allowed.includes(model))
    const models = [...new Set(both ?? allowed ?? [])].filter((model) => model !== this.#call.model)
    return models.slice(models.indexOf(this.#first) + 1)
  }

  /**
   * What is tried with one model, the best first: to continue what has been said, or to answer the request as it was. Where
   * the vendor's own tools have run, the latter would run them, and cost, once more.
   */
  #retries({ token, continuation, ranTools }: ModelRefusal, model: string, { continues }: Asking): Retry[] {
    const goesOn = (continues || ranTools) && continuation !== undefined
    return [
      ...(goesOn ? [{ model, token, continuation: [...this.#carried, ...continuation] }] : []),
      ...(ranTools
        ? []
        : [{ model, token, ...(this.#carried.length > 0 && { continuation: this.#carried }) }]),
    ]
  }

  async #ask(retries: readonly Retry[], asking: Asking): Promise<NextAnswer> {
    const [first, ...others] = retries as [Retry, ...Retry[]]
    const answer = await this.#send(first, asking)
    const { failure } = answer.response
    if (failure === undefined || !isRejected(failure)) return answer
    const simpler = others.length > 0 ? others : withoutToken(first, failure)
    if (simpler.length === 0) return answer
    answer.response.body.cancel()
    return this.#ask(simpler, asking)
  }

  async #send(retry: Retry, { signal, deadline }: Asking): Promise<NextAnswer> {
    const { model, continuation: turn = [] } = retry
    const continued = turn.slice(this.#carried.length)
    const { context } = this.#request
    const request = deriveRequest(retryRequest(this.#request, retry), {
      // The credit is for the key that was refused.
      context: { ...context, goesOn: true },
      ...(signal !== undefined && { signal }),
      ...(deadline !== undefined && { deadline }),
    })
    const response = await this.#next(request)
    const slower = isCrowded(response.failure) ? withoutSpeed(request) : undefined
    if (slower === undefined) return { model, response, continued, turn }
    response.body.cancel()
    return { model, response: await this.#next(slower), continued, turn }
  }
}

/** The vendor does not take the request in this form. */
function isRejected({ kind, origin }: Failure): boolean {
  return kind === 'invalid_request' && origin === 'upstream'
}

/** The credit is forfeited rather than the answer. */
function withoutToken(retry: Retry, { message }: Failure): Retry[] {
  if (retry.token === undefined || !message.includes('fallback_credit_token')) return []
  return [{ ...retry, token: undefined, continuation: undefined }]
}

function isCrowded(failure: Failure | undefined): boolean {
  return failure?.kind === 'rate_limited' || failure?.kind === 'overloaded'
}
