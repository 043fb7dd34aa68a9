import { hash as digest, randomBytes } from 'node:crypto'
import type { Clock } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import type { Client } from '../clients/client-directory.ts'
import type { SignedIn } from './grants.ts'
import type { TokenProblem } from './verify-token.ts'

/** Who presents a token, until when, and since when it is valid. */
export interface Verified extends SignedIn {
  /** Milliseconds since the Unix epoch, both. */
  readonly until: number
  readonly issuedAt: number
  /** Of a person who has signed in with Claude Code. */
  readonly session?: string | undefined
}

/** Clients by the tokens that they present. */
export interface TokenDirectory {
  /** At once for a token that was seen before. */
  check(token: string): Client | TokenProblem | Promise<Client | TokenProblem>
  /** What is known of a client that {@link check} has given. */
  signedIn(client: Client): Verified | undefined
}

export interface TokenDirectoryOptions {
  readonly verify: (token: string) => Promise<Verified | TokenProblem>
  /** Changes when tokens have to be verified again: with the keys of the identity provider. */
  readonly version: () => number
  /** Whether it has been signed out since; asked with each request. */
  readonly isSignedOut: (name: string, issuedAt: number, session?: string) => boolean
  readonly clock: Clock
}

/** Tokens that are remembered. */
const remembered = 10_000

/** Tokens that are verified at a time; further ones are put off. */
const mostAtOnce = 500

const busy: TokenProblem = {
  message: 'too many tokens are being verified: try again in a moment',
  ...{ status: 503, reason: 'unavailable' },
}

const signedOut: TokenProblem = {
  message: 'this token is of a session that has been signed out: sign in again',
  ...{ status: 401, reason: 'signed_out' },
}

const isOver: TokenProblem = { message: 'this token has expired', status: 401, reason: 'expired' }

/** Whether something that was presented has the form of a token, and not that of a key. */
export const isToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)

/** By a salted digest, as client keys are: no token stays in memory, and nothing is compared with one. */
export function tokenDirectory({
  verify,
  version,
  isSignedOut,
  clock,
}: TokenDirectoryOptions): TokenDirectory {
  const salt = randomBytes(7).toString('base64url')
  const known = new RecentMap<Verified>(remembered)
  const waiting = new Map<string, Promise<Client | TokenProblem>>()
  const facts = new WeakMap<Client, Verified>()
  let seen = version()

  const judged = (found: Verified): Client | TokenProblem => {
    if (clock.epoch() >= found.until) return isOver
    const { client, issuedAt, session } = found
    return isSignedOut(client.name, issuedAt, session) ? signedOut : client
  }
  const first = async (token: string, quick: string): Promise<Client | TokenProblem> => {
    const at = version()
    const found = await verify(token)
    if (!('client' in found)) return found
    // Verified with keys that have been replaced meanwhile, it is not remembered.
    if (at === version()) known.set(quick, found)
    facts.set(found.client, found)
    return judged(found)
  }
  return {
    check(token) {
      if (seen !== version()) {
        seen = version()
        known.clear()
      }
      const quick = digest('sha256', salt + token, 'base64')
      const found = known.get(quick)
      if (found !== undefined) return judged(found)
      let pending = waiting.get(quick)
      if (pending === undefined) {
        if (waiting.size >= mostAtOnce) return busy
        pending = first(token, quick).finally(() => waiting.delete(quick))
        waiting.set(quick, pending)
      }
      return pending
    },
    signedIn: (client) => facts.get(client),
  }
}

/** Clients by their keys, and by the tokens of an identity provider. */
export function withTokens<Checked>(
  keys: { check(key: string): Checked },
  { tokens }: { readonly tokens: TokenDirectory },
): { check(key: string): Checked | Client | TokenProblem | Promise<Client | TokenProblem> } {
  return { check: (key) => (isToken(key) ? tokens.check(key) : keys.check(key)) }
}
