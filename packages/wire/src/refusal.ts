import { emit, type Failure, type ModelRequest, type ModelResponse } from '@spillway/middleware'
import { failureKinds } from './failure-kinds.ts'
import { failureResponse } from './failure-response.ts'

/** Why Spillway itself refuses a call; the rest follows from the kind. */
export type Refusal = Pick<Failure, 'kind' | 'message'> &
  Partial<Pick<Failure, 'retryAfterMs' | 'scope' | 'status' | 'phase'>>

/** A refusal as a failure: never retried, no attempt, and no mark against the upstream. */
export function refusalFailure({ kind, message, scope, ...rest }: Refusal): Failure {
  const facts = failureKinds[kind]
  return { kind, message, retryable: false, scope: scope ?? facts.scope, origin: 'spillway', ...rest }
}

/** Refuses a call in the caller's protocol, and tells its listeners (`refused`): every refusal of ours is made here. */
export function refuse(request: ModelRequest, refusal: Refusal): ModelResponse {
  const failure = refusalFailure(refusal)
  emit(request, 'refused', { failure })
  return failureResponse(request, failure)
}
