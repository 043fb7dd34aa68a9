import { isKeyVaultError, KeyVaultError, type Vault } from '@spillway/key-vault'
import { type Clock, systemClock } from '@spillway/middleware'
import { within } from '../api/within.ts'
import type { Config, EndpointConfig } from '../config/config.ts'
import type { CloudCredentials } from './cloud-credentials.ts'
import { inShort } from './in-short.ts'

/** A credential of the configuration that no call can use. */
export interface UnusableCredential {
  readonly path: readonly PropertyKey[]
  /** `env:NAME`, `vault:NAME`, `aws`, `google` or `azure`. */
  readonly reference: string
  /** For the owner. */
  readonly message: string
  /** For those who only call: names no file and no other key. */
  readonly short: string
}

/** What a gateway can use of what its configuration names. */
export interface CredentialReport {
  /** Why the vault cannot be opened, or be read again; undefined where it can, and where there is none. */
  readonly vault: KeyVaultError | undefined
  readonly unusable: readonly UnusableCredential[]
}

/** How long a vault may take to open, in milliseconds: a keychain may prompt the user. */
const opensWithin = 15_000

/** Opens the vault and looks for each credential that the endpoints name. Never rejects. */
export async function reportCredentials(
  config: Config,
  vault: Pick<Vault, 'get' | 'list' | 'state'> | undefined,
  clock: Clock = systemClock,
  clouds?: CloudCredentials,
): Promise<CredentialReport> {
  const failure = await failureOf(vault, clock)
  const looked = new Map<string, Promise<Omit<UnusableCredential, 'path'> | undefined>>()
  const look = (reference: string): Promise<Omit<UnusableCredential, 'path'> | undefined> => {
    let found = looked.get(reference)
    if (found === undefined) {
      found = problemOf(reference, vault, failure)
      looked.set(reference, found)
    }
    return found
  }
  const named = Object.entries(config.targets).flatMap(([name, { endpoints = [] }]) =>
    endpoints.map((endpoint, index) => ({
      endpoint,
      path: ['targets', name, 'endpoints', index, 'credential'],
    })),
  )
  const unusable = await Promise.all(
    named.map(async ({ endpoint, path }) => {
      const { credential } = endpoint
      const problem =
        credential === undefined
          ? undefined
          : ((await look(credential)) ?? problemOfCloud(endpoint, credential, clouds, clock))
      return problem === undefined ? [] : [{ path, ...problem }]
    }),
  )
  return { vault: failure ?? vault?.state.error, unusable: unusable.flat() }
}

/** Reads a vault again, where it has keys for a configuration that was written with them. Never rejects; what fails is reported later. */
export async function readAgain(
  vault: Pick<Vault, 'refresh'> | undefined,
  clock: Clock = systemClock,
): Promise<void> {
  if (vault !== undefined)
    await within(
      opensWithin,
      vault.refresh().catch(() => {}),
      () => {},
      clock,
    )
}

async function failureOf(
  vault: Pick<Vault, 'list'> | undefined,
  clock: Clock,
): Promise<KeyVaultError | undefined> {
  if (vault === undefined) return undefined
  try {
    const late = (): never => {
      throw new KeyVaultError('UNAVAILABLE', `it did not open within ${opensWithin / 1000} s`)
    }
    await within(opensWithin, vault.list(), late, clock)
    return undefined
  } catch (error) {
    return isKeyVaultError(error) ? error : new KeyVaultError('UNAVAILABLE', 'it cannot be opened')
  }
}

async function problemOf(
  reference: string,
  vault: Pick<Vault, 'get'> | undefined,
  failure: KeyVaultError | undefined,
): Promise<Omit<UnusableCredential, 'path'> | undefined> {
  if (reference.startsWith('env:')) {
    const name = reference.slice('env:'.length)
    if (process.env[name]?.trim()) return undefined
    const message = `the environment variable ${name} is not set`
    return { reference, message, short: message }
  }
  if (!reference.startsWith('vault:')) return undefined
  if (failure !== undefined)
    return { reference, message: 'the vault cannot be opened', short: inShort(failure) }
  try {
    await vault?.get(reference.slice('vault:'.length))
    return undefined
  } catch (error) {
    const message = isKeyVaultError(error) ? `${error.message} (${error.code})` : 'it cannot be read'
    return { reference, message, short: inShort(error) }
  }
}

function problemOfCloud(
  endpoint: EndpointConfig,
  reference: string,
  clouds: CloudCredentials | undefined,
  clock: Clock,
): Omit<UnusableCredential, 'path'> | undefined {
  const message = clouds?.problemOf(endpoint, clock)
  return message === undefined ? undefined : { reference, message, short: 'no credential is found' }
}

/** Why a gateway does not start with this vault, and what to do. */
export function cannotOpen({ code, message }: KeyVaultError): string {
  return `vault: ${message} (${code}); mend that, or set vault.required: false to start without its keys`
}
