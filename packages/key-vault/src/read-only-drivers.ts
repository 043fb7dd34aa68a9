import type { VaultDriver } from './driver.ts'
import { fingerprintOf, newFingerprintKey } from './fingerprint.ts'
import { connectKms, type KmsConnection } from './kms-client.ts'
import type { SealContext } from './sealer.ts'
import type { StoredSecret, VaultDocument } from './vault-document.ts'

export interface EnvironmentVariablesOptions {
  /** Names of secrets, and the variables that hold them: `{ claude: 'ANTHROPIC_API_KEY' }`. */
  readonly variables: { readonly [secret: string]: string }
  /**
   * What the keys in these variables are for. The default keeps a production process from running on them by mistake.
   * @default 'development'
   */
  readonly environment?: string
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv
  /**
   * What fingerprints are made with: a secret, so that several processes show the same ones.
   * @default a random one, which ends with the process
   */
  readonly fingerprintKey?: string
}

/** Secrets in environment variables, for development. Read-only. */
export function environmentVariables(options: EnvironmentVariablesOptions): VaultDriver {
  const { variables, environment = 'development', env = process.env } = options
  const { fingerprintKey = newFingerprintKey() } = options
  return {
    name: 'environment variables',
    async load() {
      const set = Object.entries(variables).flatMap(([name, variable]) => {
        const value = env[variable]
        return value ? [[name, value] as const] : []
      })
      return documentOf(set, environment, fingerprintKey)
    },
  }
}

export interface KmsBlobsOptions extends KmsConnection {
  /** By the names of secrets: what `aws kms encrypt` gave (base64), and the EncryptionContext that it was given. */
  readonly blobs: {
    readonly [secret: string]: { readonly ciphertext: string; readonly context?: SealContext }
  }
  /** The key that sealed them; KMS finds it by itself, but a named one guards against a foreign blob. */
  readonly keyId?: string
  /** What the keys are for. */
  readonly environment: string
  /**
   * What fingerprints are made with: a secret, so that several processes show the same ones.
   * @default a random one, which ends with the process
   */
  readonly fingerprintKey?: string
}

/** Small secrets, each sealed by KMS itself, as a manifest or a variable has them. Read-only. */
export function kmsBlobs(options: KmsBlobsOptions): VaultDriver {
  const kms = connectKms(options)
  const { fingerprintKey = newFingerprintKey() } = options
  return {
    name: 'KMS blobs',
    async load() {
      const opened = Object.entries(options.blobs).map(async ([name, { ciphertext, context = {} }]) => {
        const plain = await kms.decrypt(options.keyId, Buffer.from(ciphertext, 'base64'), context)
        return [name, Buffer.from(plain).toString('utf8')] as const
      })
      return documentOf(await Promise.all(opened), options.environment, fingerprintKey)
    },
    close: () => kms.close(),
  }
}

/** What else may be wrong with a value shows when it is used: one of them must not take the others with it. */
function documentOf(
  values: readonly (readonly [string, string])[],
  environment: string,
  fingerprintKey: string,
): VaultDocument {
  const secrets = values.map(([name, given]): [string, StoredSecret] => {
    const value = given.trim()
    const version = { version: 1, state: 'active', value } as const
    const fingerprint = fingerprintOf(value, fingerprintKey)
    return [name, { environment, versions: [{ ...version, fingerprint, createdAt: 0, changedAt: 0 }] }]
  })
  return { format: 1, secrets: Object.fromEntries(secrets), fingerprintKey }
}
