import { isKeyVaultError, type KeyVaultErrorCode } from '@spillway/key-vault'

/** The code and what is wrong, for those who only call: the full message names files, secrets and servers. */
export function inShort(error: unknown): string {
  if (!isKeyVaultError(error)) return 'the vault cannot be used'
  return `${error.code}: ${reasons[error.code] ?? 'the vault cannot be used'}`
}

const reasons: { readonly [Code in KeyVaultErrorCode]?: string } = {
  SPILLWAY_VAULT_WRONG_PASSPHRASE: 'the passphrase does not open the vault',
  SPILLWAY_VAULT_WRONG_IDENTITY: 'the identity does not open the vault',
  SPILLWAY_VAULT_WRONG_CONTEXT: 'the context or the key of the vault is another one',
  SPILLWAY_VAULT_WRONG_SEALER: 'the vault is of another kind than the configuration says',
  SPILLWAY_VAULT_TRUNCATED: 'the file of the vault ends too early',
  SPILLWAY_VAULT_DAMAGED: 'the file of the vault is damaged',
  SPILLWAY_VAULT_MISSING: 'the vault, its key file or a variable that it needs is missing',
  SPILLWAY_VAULT_INSECURE_FILE: 'others can read or replace the files of the vault',
  SPILLWAY_VAULT_KEY_DISABLED: 'the key that opens the vault is disabled',
  SPILLWAY_VAULT_KEY_MISSING: 'the key that opens the vault is not there',
  SPILLWAY_VAULT_ACCESS_DENIED: 'this gateway may not open the vault',
  SPILLWAY_VAULT_TOKEN_EXPIRED: 'the token that opens the vault has expired',
  SPILLWAY_VAULT_SEALED: 'the server that opens the vault is sealed',
  SPILLWAY_VAULT_UNAVAILABLE: 'what opens the vault does not answer',
  SPILLWAY_VAULT_MISSING_PEER: 'a package that the vault needs is not installed',
  SPILLWAY_VAULT_WRONG_ENVIRONMENT: 'the key is for another environment',
  SPILLWAY_VAULT_UNKNOWN_SECRET: 'the vault has no key of this name',
  SPILLWAY_VAULT_NO_VERSION: 'the key has no active version',
}
