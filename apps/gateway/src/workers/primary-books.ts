import type { Config } from '../config/config.ts'
import { auditKeysOf } from '../ledger/audit-keys.ts'
import { type OpenStore, openBookStore } from '../ledger/books.ts'

/**
 * Opens the ledger that all workers write to, and keeps it within its limits. The keys of its audit log may be in the vault, which is open for
 * as long as it takes to read them.
 * @throws Error for files that others can replace, and keys that cannot be had
 */
export async function openPrimaryBooks(
  { storage, vault: settings }: Pick<Config, 'storage' | 'vault'>,
  warn: (line: string) => void,
): Promise<OpenStore> {
  const keys = [storage?.auditKey ?? []].flat()
  const vault =
    settings !== undefined && keys.some((key) => key.startsWith('vault:'))
      ? (await import('../vault.ts')).openConfiguredVault(settings, () => {})
      : undefined
  try {
    return openBookStore(storage, { warn, auditKeys: await auditKeysOf(storage?.auditKey, vault) })
  } finally {
    await vault?.close()
  }
}
