import type { Failure, Outcome } from '@spillway/middleware'
import { isKeyFailure, isModelRefusal } from '@spillway/wire'

/** What a finished call says about what its circuit protects. */
export interface Verdict {
  readonly failed: boolean
  /** Whether its first content was slow; undefined where that cannot be told. */
  readonly slow: boolean | undefined
}

const healthy: Verdict = { failed: false, slow: undefined }
const broken: Verdict = { failed: true, slow: undefined }

/** Whether a failure counts; asked of failures of upstreams alone. */
type Counts = (failure: Failure) => boolean

/**
 * What an outcome says about the endpoint and the model; undefined when nothing: by default what is the caller's, the key's,
 * or a 429, which asks to be paced. A model that declines answers.
 */
export function verdictOnModel(
  outcome: Outcome,
  slowCallThreshold: number,
  counts: Counts,
): Verdict | undefined {
  const { failure } = outcome
  const failed = failure !== undefined && !isModelRefusal(outcome)
  if (failed && (failure.origin === 'spillway' || isKeyFailure(failure) || !counts(failure))) return undefined
  if (slowCallThreshold === Infinity) return failed ? broken : healthy
  return { failed, slow: isSlow(outcome, slowCallThreshold) }
}

/** What an outcome says about the key; undefined when nothing. */
export function verdictOnKey(outcome: Outcome, counts: Counts): Verdict | undefined {
  const { failure } = outcome
  if (failure === undefined || isModelRefusal(outcome)) return healthy
  return isKeyFailure(failure) && counts(failure) ? broken : undefined
}

/** Only a stream has a first content; a timeout is slow by its duration. */
function isSlow({ failure, timings }: Outcome, slowCallThreshold: number): boolean | undefined {
  if (timings.firstContent !== undefined) return timings.firstContent > slowCallThreshold
  return failure?.kind === 'timeout' ? timings.end > slowCallThreshold : undefined
}
