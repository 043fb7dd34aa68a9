import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { newAgeIdentity } from '../src/age-sealer.ts'
import type { Sealer } from '../src/sealer.ts'
import { isKeyVaultError } from '../src/vault-error.ts'

const folders: string[] = []

/** A folder that goes with the test. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'spillway-vault-'))
  folders.push(made)
  return made
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true, maxRetries: 9 })
})

/** The last part of the error's code, or `none`. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => (isKeyVaultError(error) ? error.code.replace('SPILLWAY_VAULT_', '') : String(error)),
  )
}

/** Seals nothing: for tests of what is around it. */
export const openSealer: Sealer = {
  name: 'none',
  seal: async (bytes) => bytes,
  open: async (bytes) => bytes,
}

export const anIdentity: () => Promise<string> = newAgeIdentity

/** Quick to guess, and quick to test. */
export const workFactor = 4
