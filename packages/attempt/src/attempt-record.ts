import type { Clock, Failure, ModelRequest, Outcome, Usage } from '@spillway/middleware'
import { completedUsage, type StreamState, type WholeAnswer } from '@spillway/wire'
import { outputTokensOf, tokensFromBytes } from '@spillway/wire/internal'

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
export function usageOf(
  { operation, body }: ModelRequest,
  state: Readonly<StreamState>,
  failure: Failure | undefined,
): Usage | undefined {
  if (operation !== 'generate') return state.usage
  const saysNothing = state.usage === undefined && state.contentEvents === 0
  if (saysNothing && failure !== undefined && !wasLeft(failure)) return undefined
  // Once an answer has said why it ends, its usage is that of all of it, however the stream ends.
  const isFinal = state.usageIsFinal && (failure === undefined || state.stopReason !== undefined)
  return completedUsage({ usage: state.usage, isFinal, outputTokens: outputTokensOf(state) }, body)
}

/** What an answer has used that came as one. */
export function usageOfWhole({ operation, body }: ModelRequest, answer: WholeAnswer): Usage | undefined {
  if (operation !== 'generate' || answer.failure !== undefined) return answer.usage
  return completedUsage({ usage: answer.usage, isFinal: true, outputTokens: answer.outputTokens }, body)
}

/** What an answer as a whole has besides its text, in bytes. */
const wholeEnvelope = 400

/**
 * What an attempt has used that was left before its answer was there: most vendors go on and charge for it. Undefined where it
 * failed by itself.
 * @param bytes of the answer that have been received
 */
export function usageOfUnanswered(
  { operation, body }: ModelRequest,
  failure: Failure | undefined,
  bytes: number,
): Usage | undefined {
  if (operation !== 'generate' || failure === undefined || !wasLeft(failure)) return undefined
  const outputTokens = tokensFromBytes(Math.max(0, bytes - wholeEnvelope))
  return completedUsage({ usage: undefined, isFinal: false, outputTokens }, body)
}

/** Whether the caller no longer waited, while the upstream was at work. */
function wasLeft({ kind, phase }: Failure): boolean {
  return kind === 'cancelled' || (kind === 'timeout' && phase !== 'connect')
}
