import type { VaultDocument, VaultDriver } from '@spillway/key-vault'

/** Keeps the vault in memory: the smallest driver that can write. */
export function memoryVault(): VaultDriver {
  let document: VaultDocument = { format: 1, secrets: {} }
  let revision = 0
  return {
    name: 'memory',
    load: async () => document,
    // `change` may throw: then nothing has changed.
    async update(change) {
      document = change(document)
      revision++
      return document
    },
    revision: async () => String(revision),
  }
}
