import type { Clock, Failure, Outcome, Usage } from '@spillway/middleware'
import { estimatedUsage, type StreamState } from '@spillway/wire'

/** What an answer says of itself, as far as it goes into the outcome. */
export interface AnswerFacts {
  readonly stopReason: string | undefined
  readonly refusal: Failure | undefined
  readonly model: string | undefined
}

/** What is measured of one attempt while it runs. */
export class AttemptRecord {
  /** Bytes of body received. */
  bytes = 0
  readonly #clock: Clock
  readonly #startedAt: number
  #headers: number | undefined
  #firstContent: number | undefined

  constructor(clock: Clock, startedAt: number) {
    this.#clock = clock
    this.#startedAt = startedAt
  }

  headersCame(): void {
    this.#headers = this.#clock.now() - this.#startedAt
  }

  contentCame(): void {
    this.#firstContent = this.#clock.now() - this.#startedAt
  }

  /** How the attempt has ended, now. */
  outcome(
    failure: Failure | undefined,
    usage: Usage | undefined,
    answer: AnswerFacts | undefined,
    outputChunks: number | undefined,
  ): Outcome {
    return {
      failure: failure ?? answer?.refusal,
      usage,
      stopReason: answer?.stopReason,
      model: answer?.model,
      timings: {
        startedAt: this.#startedAt,
        headers: this.#headers,
        firstContent: this.#firstContent,
        end: this.#clock.now() - this.#startedAt,
      },
      outputChunks,
      bytes: this.bytes,
    }
  }
}

/** What a stream has used: the vendor's last word, or the better guess where it is missing. */
export function usageOf(state: Readonly<StreamState>, failure: Failure | undefined): Usage | undefined {
  if (state.usageIsFinal && failure === undefined) return state.usage
  return estimatedUsage(state.usage, state.contentBytes)
}
