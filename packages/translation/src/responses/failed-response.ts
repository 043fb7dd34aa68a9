import type { Failure } from '@spillway/middleware'
import { failureKinds, wordedFor } from '@spillway/wire'
import type { ResponseState } from './response-object.ts'

/** Codes after which Codex and others do not try again, and those on which they do (openai/codex, 2026-11). */
const codes: Readonly<Partial<Record<Failure['kind'], string>>> = {
  rate_limited: 'rate_limit_exceeded',
  billing: 'insufficient_quota',
  overloaded: 'server_is_overloaded',
}

/** How a response says why it has failed. */
export function failedState(failure: Failure): ResponseState {
  const worded = wordedFor('openai', failure)
  const isTooLong = /maximum context length/i.test(worded.message)
  const code = isTooLong
    ? 'context_length_exceeded'
    : (codes[failure.kind] ?? failureKinds[failure.kind].openai)
  return { status: 'failed', error: { code, message: worded.message } }
}
