import type { Failure, FailureKind, Outcome } from '@spillway/middleware'

/** What a call that is over says about what its circuit stands for. */
export interface Verdict {
  readonly failed: boolean
  /** Whether its first content was slow; undefined where that cannot be told. */
  readonly slow: boolean | undefined
}

/** The endpoint's faults. All else is the caller's, the key's, or no fault: a 429 asks to be paced. */
const endpointFaults: ReadonlySet<FailureKind> = new Set([
  'timeout',
  'connection',
  'server',
  'overloaded',
  'truncated',
  'malformed',
])

const keyFaults: ReadonlySet<FailureKind> = new Set(['authentication', 'billing', 'permission'])

const healthy: Verdict = { failed: false, slow: undefined }
const broken: Verdict = { failed: true, slow: undefined }

/** What an outcome says about the endpoint and the model; undefined when nothing. */
export function verdictOnModel(outcome: Outcome, slowCall: number): Verdict | undefined {
  const { failure } = outcome
  const failed = failure !== undefined
  if (failed && !isFault(failure, endpointFaults)) return undefined
  if (slowCall === Infinity) return failed ? broken : healthy
  return { failed, slow: isSlow(outcome, slowCall) }
}

/** What an outcome says about the key; undefined when nothing. */
export function verdictOnKey({ failure }: Outcome): Verdict | undefined {
  if (failure === undefined) return healthy
  return isFault(failure, keyFaults) ? broken : undefined
}

function isFault(failure: Failure, faults: ReadonlySet<FailureKind>): boolean {
  return failure.origin === 'upstream' && faults.has(failure.kind)
}

/** Only a stream has a first content; a timeout is told by the time that it took. */
function isSlow({ failure, timings }: Outcome, slowCall: number): boolean | undefined {
  if (timings.firstContent !== undefined) return timings.firstContent > slowCall
  return failure?.kind === 'timeout' ? timings.end > slowCall : undefined
}
