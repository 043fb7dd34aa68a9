/**
 * What the sealed bytes are for: bound to them, so that they open under the same context only. Not secret;
 * KMS writes it into its audit log.
 */
export type SealContext = { readonly [name: string]: string }

/** Who seals: turns bytes into bytes that only the holder of a key opens. */
export interface Sealer {
  /** Written to the vault's file, such as `age-passphrase`. */
  readonly name: string
  /** @throws KeyVaultError */
  seal(bytes: Uint8Array, context: SealContext): Promise<Uint8Array>
  /** @throws KeyVaultError that tells a wrong key from a wrong context from an outage */
  open(sealed: Uint8Array, context: SealContext): Promise<Uint8Array>
  /** Closes connections. */
  close?(): void
}

/** A context as the same bytes, in whatever order its names were written. */
export function contextBytes(context: SealContext): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))),
  )
}
