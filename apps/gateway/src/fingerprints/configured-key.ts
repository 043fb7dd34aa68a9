import { isKeyVaultError, type Vault } from '@spillway/key-vault'

/** A configured key has at least so many characters: as many as 192 bits take in base64. */
const shortestKey = 32

/**
 * What is wrong with a configured key; undefined where nothing is.
 * @param value undefined where there is none
 */
export function problemOfKey(value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === '') return 'is not set'
  if (value.trim().length < shortestKey) {
    return `has fewer than ${shortestKey} characters; "openssl rand -base64 32" makes one`
  }
  return undefined
}

/**
 * A key that the configuration names: `env:NAME` or `vault:NAME`.
 * @param where the key of the configuration, for errors
 * @throws Error when there is none, or it is too short
 */
export async function configuredKey(
  reference: string,
  vault: Pick<Vault, 'get'> | undefined,
  where: string,
): Promise<string> {
  const name = reference.slice(reference.indexOf(':') + 1)
  const value = reference.startsWith('vault:') ? await fromVault(name, vault, where) : process.env[name]
  const problem = problemOfKey(value)
  if (problem !== undefined) throw new Error(`${where}: ${reference} ${problem}`)
  return (value as string).trim()
}

async function fromVault(
  name: string,
  vault: Pick<Vault, 'get'> | undefined,
  where: string,
): Promise<string | undefined> {
  try {
    return (await vault?.get(name))?.expose()
  } catch (error) {
    if (!isKeyVaultError(error)) throw error
    throw new Error(`${where}: ${error.message}`)
  }
}
