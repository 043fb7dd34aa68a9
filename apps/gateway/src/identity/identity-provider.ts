import type { Fetch } from '@spillway/attempt'
import type { Clock } from '@spillway/middleware'
import type { Configuration } from 'openid-client'
import { type Application, discover, IdentityProviderError } from './discovery.ts'
import { type KeySet, openKeySet } from './key-set.ts'

/** An identity provider, which may be away. */
export interface IdentityProvider {
  readonly keys: KeySet
  /** What it says of itself. @throws IdentityProviderError while that is not known and cannot be read */
  configuration(): Promise<Configuration>
  /** Why it was not reached when it was asked last. */
  readonly problem: string | undefined
  close(): void
}

export interface IdentityProviderOptions {
  readonly application: Application
  readonly fetch: Fetch
  readonly clock: Clock
  /** Told when it cannot be reached, and when it can again. */
  readonly log: (line: string) => void
}

/** How often its keys are read, in milliseconds; and how soon again while they cannot be. */
const readEvery = 600_000
const tryEvery = [1_000, 5_000, 15_000, 30_000] as const

/** How long a start waits for it, in milliseconds. */
const firstAnswer = 3_000

/** Discovers an identity provider, and follows its keys. One that is unavailable is tried again, and no reason not to start. */
export async function openIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const { application, fetch, clock, log } = options
  let configuration: Promise<Configuration> | undefined
  let problem: string | undefined
  let tries = 0
  let isClosed = false
  let cancel = (): void => {}

  const ask = (): Promise<Configuration> => {
    configuration ??= discover(application, fetch).catch((error: unknown) => {
      configuration = undefined
      throw error instanceof IdentityProviderError ? error : new IdentityProviderError(String(error))
    })
    return configuration
  }
  const keys = await openKeySet({
    ...{ fetch, clock },
    url: async () => (await ask()).serverMetadata().jwks_uri as string,
  })
  const follow = async (): Promise<void> => {
    const found = await keys.refresh()
    if (isClosed) return
    if (found !== undefined && problem === undefined)
      log(
        `the identity provider cannot be asked: ${found}; ${keys.version === 0 ? 'tokens are refused and sign-in is unavailable until it answers' : 'tokens are verified with the keys that were read last'}`,
      )
    if (found === undefined && problem !== undefined) log('the identity provider answers again')
    problem = found
    tries = found === undefined ? 0 : tries + 1
    const wait = found === undefined ? readEvery : (tryEvery[tries - 1] ?? tryEvery[tryEvery.length - 1])
    cancel = clock.setTimer(wait ?? readEvery, () => void follow())
  }
  let stop = (): void => {}
  const late = new Promise<void>((resolve) => {
    stop = clock.setTimer(firstAnswer, resolve)
  })
  await Promise.race([follow(), late])
  stop()
  return {
    keys,
    configuration: ask,
    get problem() {
      return problem
    },
    close() {
      isClosed = true
      cancel()
    },
  }
}
