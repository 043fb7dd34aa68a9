import { guardListener } from '@spillway/middleware/kit'
import { readCredential } from '@spillway/wire'
import type { AccessToken, TokenSource } from './credential.ts'

/**
 * Says why a source has no credential, in words that callers may see: its message becomes the failure's. The messages of
 * other errors are kept back, since they may quote a secret.
 */
export class CredentialError extends Error {
  override readonly name: string = 'CredentialError'
}

/** Secrets whose white space was taken away, at most: a source has few at a time. */
const mostTrimmed = 8

/**
 * A source whose secrets can be sent: without the white space around them. One that holds anything else that no key holds
 * is given back, and an error instead.
 */
export function checkedSource(source: TokenSource): TokenSource {
  /** What the source gave, by what is sent. */
  const given = new Map<string, string>()
  let last: { readonly text: string; readonly read: ReturnType<typeof readCredential> } | undefined

  // A source that fails here has given its secret already: the call goes on.
  const giveBack = guardListener('the release of a credential', (token: AccessToken) => token.release?.())
  const refused = guardListener('TokenSource.refused', (text: string) => source.refused(text))

  const check = (token: AccessToken): AccessToken => {
    const { value: text } = token
    // Programs without types give what they have, such as a variable that is not set.
    if (last === undefined || last.text !== text)
      last = { text, read: readCredential(typeof text === 'string' ? text : '') }
    const { read } = last
    if ('problem' in read) {
      giveBack(token)
      throw new CredentialError(`the credential ${read.problem}`)
    }
    const { value } = read
    const release = token.release && (() => giveBack(token))
    if (value === text) return release === undefined ? token : { value, expiresAt: token.expiresAt, release }
    if (given.size >= mostTrimmed) given.clear()
    given.set(value, text)
    return { value, expiresAt: token.expiresAt, release }
  }

  return {
    token(clock) {
      const token = source.token(clock)
      return isLater(token) ? Promise.resolve(token).then(check) : check(token)
    },
    refused: (value) => refused(given.get(value) ?? value),
  }
}

/** Promises of other libraries too: a query of a database may be one. */
function isLater<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === 'function'
}
