import { ageFile, openVault, type Vault, type VaultEvent } from '@spillway/key-vault'
import type { VaultConfig } from './config/config.ts'

/** The vault of a configuration. Nothing is read before the first call. */
export function openConfiguredVault(
  { file, keyFile, kind }: VaultConfig,
  onEvent?: (event: VaultEvent) => void,
): Vault {
  return openVault({ driver: ageFile({ path: file, keyFile, kind }), ...(onEvent && { onEvent }) })
}
