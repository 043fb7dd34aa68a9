import type { VaultDocument } from './vault-document.ts'

/** Where a vault's document lives. A driver without `update` is read-only. */
export interface VaultDriver {
  /** For people, such as the path of a file. */
  readonly name: string
  /**
   * Reads everything.
   * @throws KeyVaultError
   */
  load(): Promise<VaultDocument>
  /**
   * Replaces the document by what `change` makes of it, atomically and exclusively. Resolves when it
   * is on disk, with the new document.
   * @throws KeyVaultError, and whatever `change` throws; then nothing has changed
   */
  update?(change: (document: VaultDocument) => VaultDocument): Promise<VaultDocument>
  /**
   * Differs when another process may have changed the document. Cheap; undefined where it cannot be told.
   */
  revision?(): Promise<string | undefined>
  /** Takes note of when versions were last used, and tells what was noted. Best effort: never rejects. */
  uses?(add: LastUses): Promise<LastUses>
  close?(): void
}

/** When versions were last used, in milliseconds since the Unix epoch, by `NAME@VERSION`. */
export type LastUses = { readonly [version: string]: number }
