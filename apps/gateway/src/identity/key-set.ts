import type { Fetch } from '@spillway/attempt'
import type { Clock } from '@spillway/middleware'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import { codeOf, IdentityProviderError } from './discovery.ts'

/** The public keys of an identity provider, which change. */
export interface KeySet {
  /** Finds keys for `jose`. */
  readonly find: JWTVerifyGetKey
  /** Reads the keys again. Never rejects; undefined where that went well. */
  refresh(): Promise<string | undefined>
  /** Counts how often other keys were read. */
  readonly version: number
}

export interface KeySetOptions {
  /** Where the keys are, once that is known. */
  readonly url: () => Promise<string>
  readonly fetch: Fetch
  readonly clock: Clock
}

/** Unknown keys, which anyone can invent, are looked for so often at most, in milliseconds. */
const unknownEvery = 10_000

/** How long keys hold that cannot be read again: a key that has been taken back must end some time. */
const holdFor = 86_400_000

/**
 * Keeps the keys that were read last while the identity provider is unavailable, for a day; reads them again for a token with an unknown
 * one, at most every ten seconds.
 */
export async function openKeySet({ url, fetch, clock }: KeySetOptions): Promise<KeySet> {
  const { createLocalJWKSet, errors } = await import('jose')
  let local: ReturnType<typeof createLocalJWKSet> | undefined
  let [written, version] = ['', 0]
  let [readAt, askedAt] = [-Infinity, -Infinity]
  let reading: Promise<string | undefined> | undefined

  const read = async (): Promise<string | undefined> => {
    askedAt = clock.now()
    try {
      const address = await url()
      const response = await fetch(address, { headers: { accept: 'application/json' } })
      if (response.status !== 200) return `${address} answers ${response.status}`
      const keys = (await response.json()) as JSONWebKeySet
      const next = createLocalJWKSet(keys)
      readAt = clock.now()
      const text = JSON.stringify(keys)
      if (text !== written) [local, written, version] = [next, text, version + 1]
      return undefined
    } catch (error) {
      if (error instanceof IdentityProviderError) return error.message
      return `the keys of the identity provider cannot be read (${codeOf(error)})`
    }
  }
  const refresh = (): Promise<string | undefined> => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
  const usable = () => {
    if (local === undefined || clock.now() - readAt > holdFor)
      throw new IdentityProviderError('the keys of the identity provider are not known')
    return local
  }
  const isUnknown = (error: unknown): boolean =>
    error instanceof errors.JWKSNoMatchingKey || error instanceof IdentityProviderError

  return {
    refresh,
    get version() {
      return version
    },
    async find(header, token) {
      try {
        return await usable()(header, token)
      } catch (error) {
        if (!isUnknown(error)) throw error
        if (reading === undefined && clock.now() - askedAt < unknownEvery) throw error
        await refresh()
        return usable()(header, token)
      }
    },
  }
}
