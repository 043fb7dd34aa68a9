import { isKeyVaultError, type Vault } from '@spillway/key-vault'

/**
 * The secret of the application at the identity provider, which `server.oidc.clientSecret` names.
 * @throws Error when there is none
 */
export async function configuredSecret(
  reference: string,
  vault: Pick<Vault, 'get'> | undefined,
): Promise<string> {
  const name = reference.slice(reference.indexOf(':') + 1)
  const where = 'server.oidc.clientSecret'
  try {
    const value = reference.startsWith('vault:') ? (await vault?.get(name))?.expose() : process.env[name]
    if (value !== undefined && value.trim() !== '') return value.trim()
  } catch (error) {
    if (!isKeyVaultError(error)) throw error
    throw new Error(`${where}: ${error.message}`)
  }
  throw new Error(`${where}: ${reference} is not set`)
}
