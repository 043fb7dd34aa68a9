const marker = Symbol.for('spillway.key-vault.error')

/** What went wrong with a vault; stable. The README says of each what to do. */
export type KeyVaultErrorCode =
  | 'SPILLWAY_VAULT_WRONG_PASSPHRASE'
  | 'SPILLWAY_VAULT_WRONG_IDENTITY'
  | 'SPILLWAY_VAULT_WRONG_CONTEXT'
  | 'SPILLWAY_VAULT_WRONG_SEALER'
  | 'SPILLWAY_VAULT_TRUNCATED'
  | 'SPILLWAY_VAULT_DAMAGED'
  | 'SPILLWAY_VAULT_MISSING'
  | 'SPILLWAY_VAULT_EXISTS'
  | 'SPILLWAY_VAULT_INSECURE_FILE'
  | 'SPILLWAY_VAULT_LOCKED'
  | 'SPILLWAY_VAULT_READ_ONLY'
  | 'SPILLWAY_VAULT_KEY_DISABLED'
  | 'SPILLWAY_VAULT_KEY_MISSING'
  | 'SPILLWAY_VAULT_ACCESS_DENIED'
  | 'SPILLWAY_VAULT_TOKEN_EXPIRED'
  | 'SPILLWAY_VAULT_SEALED'
  | 'SPILLWAY_VAULT_UNAVAILABLE'
  | 'SPILLWAY_VAULT_TOO_LARGE'
  | 'SPILLWAY_VAULT_MISSING_PEER'
  | 'SPILLWAY_VAULT_WRONG_ENVIRONMENT'
  | 'SPILLWAY_VAULT_UNKNOWN_SECRET'
  | 'SPILLWAY_VAULT_NO_VERSION'
  | 'SPILLWAY_VAULT_INVALID_INPUT'
  | 'SPILLWAY_VAULT_CLOSED'

/** The part of a {@link KeyVaultErrorCode} that tells them apart. */
export type KeyVaultErrorName = KeyVaultErrorCode extends `SPILLWAY_VAULT_${infer Name}` ? Name : never

/**
 * A vault that cannot do what is asked. The message says where and what to do, and never holds a secret; what a
 * vendor's SDK threw is not kept as `cause`, since it may quote a secret.
 */
export class KeyVaultError extends Error {
  override readonly name: string = 'KeyVaultError'
  readonly code: KeyVaultErrorCode

  constructor(name: KeyVaultErrorName, message: string) {
    super(message)
    this.code = `SPILLWAY_VAULT_${name}`
    Object.defineProperty(this, marker, { value: true })
  }
}

/** Whether a value is a {@link KeyVaultError}, also one of another copy of this package. */
export function isKeyVaultError(value: unknown): value is KeyVaultError {
  return typeof value === 'object' && value !== null && marker in value
}

/** The system's word for what went wrong, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
