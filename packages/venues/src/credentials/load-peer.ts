import { CredentialError } from '@spillway/core-client'

/**
 * Loads a package that is needed for one kind of credential only.
 * @param name of the package, for whoever has to install it
 * @throws CredentialError where it is not installed, or cannot be loaded
 */
export async function loadPeer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    throw new CredentialError(
      isMissing
        ? `the package ${name} is not installed, which this credential needs: npm i ${name}`
        : `the package ${name} cannot be loaded (${String(code ?? (error as Error)?.name ?? 'unknown error')}): install it again, npm i ${name}`,
      { cause: error },
    )
  }
}
