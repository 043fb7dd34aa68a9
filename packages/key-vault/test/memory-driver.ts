import type { VaultDriver } from '../src/driver.ts'
import { emptyDocument, type VaultDocument } from '../src/vault-document.ts'
import { KeyVaultError, type KeyVaultErrorName } from '../src/vault-error.ts'
import { addVersion } from '../src/versions.ts'

/** A vault in memory, that fails as told. */
export interface MemoryDriver extends VaultDriver {
  document: VaultDocument
  /** The error of every load, until it is taken away. */
  failure: KeyVaultErrorName | undefined
  /** Loads never end while this is set. */
  hangs: boolean
  loads: number
}

export function memoryDriver(secrets: Readonly<Record<string, string>>, environment = 'test'): MemoryDriver {
  let document = emptyDocument
  for (const [name, value] of Object.entries(secrets)) {
    document = addVersion(document, { name, value, environment }, 0).document
  }
  return {
    name: 'memory',
    document,
    failure: undefined,
    hangs: false,
    loads: 0,
    async load() {
      this.loads++
      if (this.hangs) await new Promise(() => {})
      if (this.failure !== undefined) throw new KeyVaultError(this.failure, 'as told')
      return this.document
    },
    async update(change) {
      if (this.failure !== undefined) throw new KeyVaultError(this.failure, 'as told')
      this.document = change(this.document)
      return this.document
    },
  }
}
