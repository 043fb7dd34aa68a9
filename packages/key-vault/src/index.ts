export { type AgeFileOptions, ageFile, initAgeFile, rekeyAgeFile } from './age-file-vault.ts'
export {
  type AgeIdentityOptions,
  type AgePassphraseOptions,
  ageIdentity,
  agePassphrase,
  newAgeIdentity,
  type PassphraseSource,
} from './age-sealer.ts'
export type { CredentialLease, VaultCredential } from './credential-source.ts'
export type { LastUses, VaultDriver } from './driver.ts'
export { type KeychainEntry, type KeychainOptions, keychain } from './keychain-sealer.ts'
export type { KmsClientLike, KmsConnection } from './kms-client.ts'
export { type KmsSealerOptions, kmsDirect, kmsEnvelope } from './kms-sealer.ts'
export type { LeaseCount } from './lease-book.ts'
export {
  type EnvironmentVariablesOptions,
  environmentVariables,
  type KmsBlobsOptions,
  kmsBlobs,
} from './read-only-drivers.ts'
export type { RotateOptions, RotationReport } from './rotation.ts'
export {
  type Reseal,
  type SealedFile,
  type SealedFileOptions,
  sealedFile,
  sealedFileDefaults,
} from './sealed-file.ts'
export type { SealContext, Sealer } from './sealer.ts'
export { Secret, type SecretFacts } from './secret.ts'
export { shellExport } from './shell-export.ts'
export { type TransitSealerOptions, transit } from './transit-sealer.ts'
export {
  openVault,
  type Vault,
  type VaultOptions,
  type VaultState,
  type VersionInfo,
  vaultDefaults,
} from './vault.ts'
export type { StoredSecret, StoredVersion, VaultDocument, VersionState } from './vault-document.ts'
export { isKeyVaultError, KeyVaultError, type KeyVaultErrorCode } from './vault-error.ts'
export type { DrainEnd, RollbackReason, VaultEvent } from './vault-events.ts'
export { type Verification, type Verify, type VerifyOptions, verifyCredential } from './verify.ts'
