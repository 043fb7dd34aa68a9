import { withDefaults } from '@spillway/middleware/kit'
import { ageIdentity, newAgeIdentity } from './age-sealer.ts'
import type { Sealer } from './sealer.ts'
import { KeyVaultError } from './vault-error.ts'

/** One entry of a keychain. */
export interface KeychainEntry {
  /** Null or undefined when there is none. */
  getPassword(): Promise<string | null | undefined>
  setPassword(password: string): Promise<unknown>
}

export interface KeychainOptions {
  /** @default 'spillway' */
  readonly service?: string
  /** The name of the vault, when one user has several. @default 'vault' */
  readonly account?: string
  /** The entry, in place of the one of this machine's keychain. */
  readonly entry?: KeychainEntry
}

/** The defaults of {@link KeychainOptions}. */
export const keychainDefaults: { readonly service: string; readonly account: string } = {
  service: 'spillway',
  account: 'vault',
}

/**
 * Seals to an age identity that lives in the keychain of the operating system (macOS, Windows, Secret Service), which
 * opens when its user signs in. The first seal makes the identity.
 */
export function keychain(options: KeychainOptions = {}): Sealer {
  const { service, account, entry } = withDefaults(keychainDefaults, options)
  let opened: Promise<KeychainEntry> | undefined
  const find = (): Promise<KeychainEntry> => {
    opened ??= entry === undefined ? systemEntry(service, account) : Promise.resolve(entry)
    return opened
  }
  const stored = async (): Promise<string | null | undefined> => {
    try {
      return await (await find()).getPassword()
    } catch (error) {
      throw failed(error)
    }
  }
  const { seal } = ageIdentity({
    async read() {
      const found = await stored()
      if (found) return [found]
      const made = await newAgeIdentity()
      await (await find()).setPassword(made).catch((error: unknown) => {
        throw failed(error)
      })
      return [made]
    },
  })
  const { open } = ageIdentity({
    async read() {
      const found = await stored()
      if (found) return [found]
      throw new KeyVaultError(
        'KEY_MISSING',
        `the keychain has no entry "${account}" of "${service}": the vault was made by another user or on another machine`,
      )
    },
  })
  return { name: 'keychain', seal, open }
}

async function systemEntry(service: string, account: string): Promise<KeychainEntry> {
  const { AsyncEntry } = await import('@napi-rs/keyring').catch(() => {
    throw new KeyVaultError(
      'MISSING_PEER',
      'the keychain needs a package beside this one: npm i @napi-rs/keyring',
    )
  })
  return new AsyncEntry(service, account)
}

/** What the system says may name entries of other programs. */
function failed(error: unknown): KeyVaultError {
  if (error instanceof KeyVaultError) return error
  return new KeyVaultError(
    'UNAVAILABLE',
    'the keychain of this machine cannot be used: it is locked, or there is none (a server without a session has none)',
  )
}
