import { KeyVaultError } from './vault-error.ts'

/** The environment of this process: `SPILLWAY_ENV`, else `NODE_ENV`, else `development`. */
export function processEnvironment(env: NodeJS.ProcessEnv = process.env): string {
  return env.SPILLWAY_ENV || env.NODE_ENV || 'development'
}

/**
 * Keeps the keys of one environment out of another.
 * @throws KeyVaultError WRONG_ENVIRONMENT
 */
export function mustFit(secret: { readonly name: string; readonly environment: string }, here: string): void {
  if (secret.environment === here) return
  throw new KeyVaultError(
    'WRONG_ENVIRONMENT',
    `secret "${secret.name}" is for ${secret.environment}, and this process runs in ${here}: ` +
      `add a key for ${here} to its own vault, or set SPILLWAY_ENV=${secret.environment} if this is ${secret.environment}`,
  )
}
