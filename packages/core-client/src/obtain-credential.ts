import { type Failure, type ModelRequest, timeLeft } from '@spillway/middleware'
import { refusalFailure } from '@spillway/wire'
import { CredentialError } from './checked-source.ts'
import type { AccessToken, TokenSource } from './credential.ts'

/** How long a call waits for its credential at most, in milliseconds; its deadline may allow less. */
export const credentialTimeout = 10_000

/** Of a call, what limits the wait for its credential. */
export type CredentialCall = Pick<ModelRequest, 'clock' | 'signal'> & Partial<Pick<ModelRequest, 'deadline'>>

/**
 * The secret of a source to send now; see {@link obtain}.
 * @throws the signal's reason when it aborts
 */
export function obtainToken(
  source: TokenSource,
  call: CredentialCall,
): AccessToken | Failure | Promise<AccessToken | Failure> {
  return obtain(
    () => source.token(call.clock),
    call,
    ({ release }) => release?.(),
  )
}

/**
 * A credential to send now, or why there is none: it is waited for within the call's deadline, ten seconds at most.
 * @param giveBack takes what comes when nothing will send it any more
 * @throws the signal's reason when it aborts
 */
export function obtain<T>(
  get: () => T | Promise<T>,
  call: CredentialCall,
  giveBack: (late: T) => void = () => {},
): T | Failure | Promise<T | Failure> {
  const { clock, signal, deadline } = call
  try {
    const got = get()
    if (!(got instanceof Promise)) return got
    const patience = Math.min(
      credentialTimeout,
      deadline === undefined ? Infinity : timeLeft(deadline, clock),
    )
    return inTime(got, patience, call).catch((error: unknown) => {
      if (signal?.aborted || error === tooLate) got.then(giveBack).catch(() => {})
      if (signal?.aborted) throw error
      return noCredential(error === tooLate ? `not within ${Math.round(patience)} ms` : error)
    })
  } catch (error) {
    return noCredential(error)
  }
}

const tooLate = new Error('the credential did not come in time')

/** Waits for a shared promise, but no longer than the caller does; one that never settles keeps nothing of the call. */
function inTime<T>(promise: Promise<T>, ms: number, { clock, signal }: CredentialCall): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      cancel()
      signal?.removeEventListener('abort', leave)
    }
    const leave = (): void => {
      end()
      reject(signal?.reason)
    }
    const cancel = clock.setTimer(ms, () => {
      end()
      reject(tooLate)
    })
    promise.then(resolve, reject).finally(end)
    if (signal?.aborted) leave()
    else signal?.addEventListener('abort', leave)
  })
}

/** The text of an error stays out of it, unless it is meant to be seen: it may quote the secret. */
function noCredential(why: unknown): Failure {
  const reason = typeof why === 'string' ? why : why instanceof Error ? why.name : 'unknown error'
  const message =
    why instanceof CredentialError ? why.message : `the credential could not be obtained (${reason})`
  return refusalFailure({ kind: 'authentication', message })
}
