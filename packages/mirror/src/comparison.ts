import type { Api, Failure, ModelResponse, Outcome, Usage } from '@spillway/middleware'
import { textSimilarity } from './text-similarity.ts'

/** One of the two answers of a {@link Comparison}. All times are in milliseconds. */
export interface ComparedAnswer {
  /** Who answered; undefined for a refusal of Spillway's own. */
  readonly target: string | undefined
  /** The model that answered, by its own word. */
  readonly model: string | undefined
  /** The HTTP status as a caller would have got it (502 for a dead connection); undefined where the mirror ended the wait. */
  readonly status: number | undefined
  /** Undefined for success. That of the primary always is: failures are not mirrored. */
  readonly failure: Failure | undefined
  /** From the call to the first content of a stream, retries and waits included; undefined without a stream. */
  readonly timeToFirstTokenMs: number | undefined
  /** From the call to the last byte. That of the primary goes at its reader's pace. */
  readonly totalMs: number
  /** Tokens, and the cost where the vendor says it (`usage.cost`). */
  readonly usage: Usage | undefined
  /** As the vendor put it. */
  readonly stopReason: string | undefined
  /** UTF-16 units of text, without thinking and tool calls; undefined for a failure. */
  readonly textLength: number | undefined
}

/** The same call answered twice. Plain data that holds nothing of what was asked or said. */
export interface Comparison {
  /** The primary's call, as in its events. */
  readonly callId: string
  /** The candidate's own call. */
  readonly candidateCallId: string
  /** The same for all calls of a conversation (`conversationOf` of `@spillway/wire`); undefined where nothing tells. */
  readonly conversation: string | undefined
  readonly api: Api
  /** The model that the caller asked for. */
  readonly model: string
  readonly stream: boolean
  readonly primary: ComparedAnswer
  readonly candidate: ComparedAnswer
  /** How alike the texts are, 0 to 1; see `textSimilarity`. Undefined when the candidate failed or neither has text. */
  readonly textSimilarity: number | undefined
}

/** An answer that is over, with the text that it is compared by. */
export interface FinishedAnswer {
  readonly compared: ComparedAnswer
  readonly text: string | undefined
}

/** What is known of a call when it is over; response or outcome may be missing. */
export interface FinishedCall {
  /** In clock time. */
  readonly startedAt: number
  readonly endedAt: number
  readonly response: ModelResponse | undefined
  readonly outcome: Outcome | undefined
  readonly failure: Failure | undefined
}

export function finishedAnswer({
  startedAt,
  endedAt,
  response,
  outcome,
  failure,
}: FinishedCall): FinishedAnswer {
  const text = failure === undefined ? textOf(response) : undefined
  const firstContent = outcome?.timings.firstContent
  const compared: ComparedAnswer = {
    target: response?.target,
    model: outcome?.model,
    status: response?.status,
    failure,
    timeToFirstTokenMs:
      outcome === undefined || firstContent === undefined
        ? undefined
        : outcome.timings.startedAt + firstContent - startedAt,
    totalMs: endedAt - startedAt,
    usage: outcome?.usage,
    stopReason: outcome?.stopReason,
    textLength: text?.length,
  }
  return { compared, text }
}

/** How alike what the two said is. */
export function similarityOf(primary: FinishedAnswer, candidate: FinishedAnswer): number | undefined {
  if (primary.text === undefined || candidate.text === undefined) return undefined
  return textSimilarity(primary.text, candidate.text)
}

function textOf(response: ModelResponse | undefined): string | undefined {
  return response?.transcript?.blocks.map(({ text }) => text).join('')
}
