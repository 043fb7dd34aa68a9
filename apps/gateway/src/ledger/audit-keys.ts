import type { Vault } from '@spillway/key-vault'
import type { StorageConfig } from '../config/config.ts'
import { configuredKey } from '../fingerprints/configured-key.ts'
import { type Books, type BooksOptions, openBooks } from './books.ts'

/**
 * The books with the keys of their audit log. Where they cannot be opened, the vault is closed.
 * @throws Error as {@link openBooks}, and for a key that cannot be had
 */
export async function openConfiguredBooks(
  storage: StorageConfig | undefined,
  vault: Vault | undefined,
  options: BooksOptions,
): Promise<Books> {
  try {
    // Of a store that another process has open the keys are there.
    const auditKeys = options.store === undefined ? await auditKeysOf(storage?.auditKey, vault) : undefined
    return openBooks(storage, { ...options, auditKeys })
  } catch (error) {
    await vault?.close()
    throw error
  }
}

/**
 * The keys of the audit log by their references, in their order; undefined where there is no reference.
 * @param where the key of the configuration, or the option, for errors
 * @throws Error for a reference whose key cannot be had
 */
export async function auditKeysOf(
  references: string | readonly string[] | undefined,
  vault: Pick<Vault, 'get'> | undefined,
  where = 'storage.auditKey',
): Promise<string[] | undefined> {
  if (references === undefined) return undefined
  return Promise.all([references].flat().map((reference) => configuredKey(reference, vault, where)))
}
