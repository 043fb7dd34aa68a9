import { CredentialError } from '@spillway/core-client'
import type { Vault, VaultCredential } from '@spillway/key-vault'
import { systemClock } from '@spillway/middleware'
import { inShort } from './in-short.ts'

/** How often a vault that does not open is asked again, in milliseconds: with a passphrase that takes a second of work. */
const openAgainAfter = 1_000

/** The key of a `vault:NAME`. Where it cannot be had, the failure of a call says why, in words that callers may see. */
export function vaultCredential(
  reference: string,
  vault: Pick<Vault, 'credential' | 'state'>,
): VaultCredential {
  const source = vault.credential(reference.slice('vault:'.length))
  let failed: { readonly error: unknown; readonly at: number } | undefined
  const explain = (error: unknown, at = systemClock.now()): never => {
    failed = vault.state.status === 'empty' ? { error, at } : undefined
    throw new CredentialError(`the credential ${reference} cannot be used (${inShort(error)})`)
  }
  return {
    token(clock = systemClock) {
      const now = clock.now()
      if (failed !== undefined && now - failed.at < openAgainAfter) return explain(failed.error, failed.at)
      try {
        const lease = source.token(clock)
        return lease instanceof Promise ? lease.catch((error) => explain(error, now)) : lease
      } catch (error) {
        return explain(error, now)
      }
    },
    refused: (value) => source.refused(value),
  }
}
