import { KeyVaultError, type Verify, type VerifyOptions, verifyCredential } from '@spillway/key-vault'
import type { Config } from '../config/config.ts'
import { fetchThrough } from '../config/other-servers.ts'
import { isVenue } from '../config/venue-config.ts'

/** Where a key is verified, and what says so. */
export interface VerifyPlace {
  readonly provider: VerifyOptions['provider']
  /** Undefined: the provider's public address. */
  readonly url?: string | undefined
  /** As of an endpoint. */
  readonly proxy?: string | undefined
}

/** What the command line says of it. */
export interface VerifyFlags {
  readonly provider?: VerifyOptions['provider']
  readonly url?: string
}

/** How each provider is reached by those who have no other address. */
export const publicUrls: Readonly<Record<VerifyOptions['provider'], string>> = {
  anthropic: 'https://api.anthropic.com',
  openrouter: 'https://openrouter.ai/api',
  openai: 'https://api.openai.com',
}

/**
 * Where a key of the vault is used: at the endpoints that the configuration names it for. What the command line says goes
 * before that. A key that the configuration does not name yet is verified where keys of its form come from.
 * @throws KeyVaultError where nothing says whose key it is: it is not shown to a vendor that may have nothing to do with it
 */
export function verifyPlaces(
  config: Config | undefined,
  name: string,
  flags: VerifyFlags,
  key: string,
): readonly VerifyPlace[] {
  const configured = Object.values(config?.targets ?? {}).flatMap(({ api, endpoints = [] }) =>
    endpoints
      // A cloud's key is never shown to another vendor.
      .filter((each) => each.credential === `vault:${name}` && !isVenue(each.api))
      .map(({ url, proxy }): VerifyPlace => ({ provider: providerOf(api), url, proxy })),
  )
  const provider = flags.provider ?? configured[0]?.provider ?? issuerOf(key)
  if (provider === undefined)
    throw new KeyVaultError(
      'INVALID_INPUT',
      `whose key "${name}" is, nothing says: give --provider, and --url for an address of your own`,
    )
  if (flags.url !== undefined) return [{ provider, url: flags.url }]
  const places = configured.filter((place) => place.provider === provider)
  if (places.length === 0) return [{ provider }]
  const seen = new Set<string | undefined>()
  return places.filter(({ url }) => !seen.has(url) && seen.add(url))
}

/** Verifies at one place after the other: a key has to be good at all of them. */
export function verifyAt(places: readonly VerifyPlace[]): Verify {
  const verifies = places.map(({ provider, url, proxy }) =>
    verifyCredential({ provider, fetch: fetchThrough(proxy), ...(url !== undefined && { baseUrl: url }) }),
  )
  return async (secret, signal) => {
    for (const [index, verify] of verifies.entries()) {
      const verification = await verify(secret, signal)
      if (verification.ok) continue
      return { ...verification, detail: `${verification.detail} at ${shownPlace(places[index])}` }
    }
    return { ok: true }
  }
}

const shownPlace = (place: VerifyPlace | undefined): string =>
  place === undefined ? '' : (place.url ?? publicUrls[place.provider])

export const shownPlaces = (places: readonly VerifyPlace[]): string => places.map(shownPlace).join(' and ')

/** Servers that speak OpenAI's protocol list their models to who has a key. */
const providerOf = (api: string): VerifyOptions['provider'] =>
  api === 'anthropic' || api === 'openrouter' ? api : 'openai'

/** By what a key begins with; undefined for one that could be anybody's. */
function issuerOf(key: string): VerifyOptions['provider'] | undefined {
  if (key.startsWith('sk-ant-')) return 'anthropic'
  if (key.startsWith('sk-or-')) return 'openrouter'
  return /^sk-(proj|svcacct|admin)-/.test(key) ? 'openai' : undefined
}
