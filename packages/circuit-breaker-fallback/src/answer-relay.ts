import {
  type ModelRequest,
  type ModelResponse,
  type Outcome,
  type ResponseBody,
  StreamFailure,
} from '@spillway/middleware'
import { BodyChannel } from '@spillway/middleware/kit'
import { malformedFailure } from '@spillway/wire'
import { joinOutcomes } from './joined-outcome.ts'

export interface Part {
  readonly body: ResponseBody
  /** Turns its bytes into those that the caller gets. */
  readonly change: (chunk: Uint8Array) => Uint8Array
  /** Hears that it broke off: pipes another part, or ends the answer. An answer whose `failed` rejects is given up. */
  readonly failed: (error: unknown) => Promise<void>
}

/** One body and one outcome for an answer that several models or targets give one after the other. */
export class AnswerRelay {
  readonly body: BodyChannel
  /** What all parts came to, when the last one is over. */
  readonly outcome: Promise<Outcome>
  readonly #request: ModelRequest
  readonly #outcomes: Promise<Outcome>[]
  readonly #allOver = Promise.withResolvers<void>()
  readonly #leaving = new AbortController()
  #current: ResponseBody

  constructor(request: ModelRequest, first: ModelResponse) {
    this.#request = request
    this.#outcomes = [first.outcome]
    this.#current = first.body
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
  }

  /** Aborts, for those who take over, when the caller or the reader leaves. */
  get leaving(): AbortSignal {
    return this.#leaving.signal
  }

  /** The outcomes of the parts so far; some may not be known yet. */
  get outcomes(): readonly Promise<Outcome>[] {
    return this.#outcomes
  }

  /** Counts another part, whether or not it is piped. */
  add(outcome: Promise<Outcome>): void {
    this.#outcomes.push(outcome)
  }

  pipe({ body, change, failed }: Part): void {
    this.#current = body
    body.pipe({
      write: (chunk) => {
        try {
          this.body.push(change(chunk))
        } catch {
          // Of no protocol's form: what has been said so far stays, and the caller hears that no more comes.
          body.cancel()
          this.giveUp(new StreamFailure(malformedFailure('the continuation makes no sense')))
        }
        return !this.body.paused
      },
      end: () => this.end(),
      fail: (error) => {
        failed(error).catch((fault: unknown) => this.giveUp(fault))
      },
    })
  }

  end(): void {
    this.#finish()
    this.body.end()
  }

  giveUp(error: unknown): void {
    this.#finish()
    this.body.fail(error)
  }

  #finish(): void {
    this.#request.signal?.removeEventListener('abort', this.#leave)
    this.#allOver.resolve()
  }

  readonly #leave = (): void => this.#leaving.abort(this.#request.signal?.reason)
}
