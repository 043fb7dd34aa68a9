import type { AgentOptions } from 'node:https'
import type { SealContext } from './sealer.ts'
import { KeyVaultError, type KeyVaultErrorName } from './vault-error.ts'

/** A `KMSClient` of `@aws-sdk/client-kms`, or what sends commands like one. */
export interface KmsClientLike {
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own signature has more overloads than can be told here
  send(command: any, options?: any): Promise<any>
  destroy?(): void
}

export interface KmsConnection {
  /** A client of your own, with whatever credentials and retries it has; closing it is left to you. */
  readonly client?: KmsClientLike
  /** @default the SDK's: `AWS_REGION`, or the profile's */
  readonly region?: string
  /** Another endpoint than the region's, such as a VPC endpoint. */
  readonly endpoint?: string
  /**
   * How long one request may take, in milliseconds.
   * @default 5000
   */
  readonly requestTimeout?: number
  /** How connections are made, such as through a proxy: `{ proxyEnv: process.env }`. @default the SDK's: without a proxy */
  readonly agent?: AgentOptions
}

/** The defaults of {@link KmsConnection}. */
export const kmsDefaults: { readonly requestTimeout: number } = { requestTimeout: 5_000 }

/** The operations that are used here. Contexts are not secret, and land in CloudTrail. */
export interface Kms {
  encrypt(keyId: string, bytes: Uint8Array, context: SealContext): Promise<Uint8Array>
  decrypt(keyId: string | undefined, blob: Uint8Array, context: SealContext): Promise<Uint8Array>
  /** A new 256-bit key, in the clear and as the blob that KMS turns back into it. */
  generateDataKey(
    keyId: string,
    context: SealContext,
  ): Promise<{ readonly key: Uint8Array; readonly blob: Uint8Array }>
  close(): void
}

/** Talks to KMS through the official SDK, which is loaded with the first request. */
export function connectKms(options: KmsConnection): Kms {
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-kms'); client: KmsClientLike }> | undefined
  const load = async (): Promise<{ sdk: typeof import('@aws-sdk/client-kms'); client: KmsClientLike }> => {
    const sdk = await import('@aws-sdk/client-kms').catch(() => {
      throw new KeyVaultError(
        'MISSING_PEER',
        'AWS KMS needs its SDK beside this package: npm i @aws-sdk/client-kms',
      )
    })
    if (options.client !== undefined) return { sdk, client: options.client }
    const requestTimeout = options.requestTimeout ?? kmsDefaults.requestTimeout
    const client = new sdk.KMSClient({
      ...(options.region !== undefined && { region: options.region }),
      ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
      requestHandler: {
        ...{ requestTimeout, connectionTimeout: requestTimeout, throwOnRequestTimeout: true },
        ...(options.agent !== undefined && { httpAgent: options.agent, httpsAgent: options.agent }),
      },
    })
    return { sdk, client }
  }
  type Sdk = typeof import('@aws-sdk/client-kms')
  const send = async <T>(make: (sdk: Sdk) => object): Promise<T> => {
    loaded ??= load()
    const { sdk, client } = await loaded.catch((error) => {
      loaded = undefined
      throw error
    })
    try {
      return (await client.send(make(sdk))) as T
    } catch (error) {
      throw kmsError(error)
    }
  }
  return {
    async encrypt(KeyId, Plaintext, EncryptionContext) {
      const answer = await send<{ CiphertextBlob: Uint8Array }>(
        ({ EncryptCommand }) => new EncryptCommand({ KeyId, Plaintext, EncryptionContext }),
      )
      return answer.CiphertextBlob
    },
    async decrypt(KeyId, CiphertextBlob, EncryptionContext) {
      const answer = await send<{ Plaintext: Uint8Array }>(
        ({ DecryptCommand }) => new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext }),
      )
      return answer.Plaintext
    },
    async generateDataKey(KeyId, EncryptionContext) {
      const answer = await send<{ Plaintext: Uint8Array; CiphertextBlob: Uint8Array }>(
        ({ GenerateDataKeyCommand }) =>
          new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext }),
      )
      return { key: answer.Plaintext, blob: answer.CiphertextBlob }
    },
    close() {
      if (options.client === undefined) loaded?.then(({ client }) => client.destroy?.()).catch(() => {})
      loaded = undefined
    },
  }
}

/** KMS's word for an error, what it is here, and what to do. */
const errors: Readonly<Record<string, readonly [KeyVaultErrorName, string]>> = {
  InvalidCiphertextException: [
    'WRONG_CONTEXT',
    'KMS does not open it: the EncryptionContext differs from the one that it was sealed with, or another key sealed it',
  ],
  IncorrectKeyException: ['WRONG_CONTEXT', 'KMS says that another key sealed it: check the key id'],
  DisabledException: ['KEY_DISABLED', 'the KMS key is disabled: enable it, or restore access to it'],
  KMSInvalidStateException: [
    'KEY_DISABLED',
    'the KMS key cannot be used in its state, such as pending deletion: cancel that, or name another key',
  ],
  NotFoundException: ['KEY_MISSING', 'KMS has no such key here: check key id, alias, account and region'],
  AccessDeniedException: [
    'ACCESS_DENIED',
    'KMS refuses this identity: it needs kms:Decrypt, kms:Encrypt and kms:GenerateDataKey on the key',
  ],
  ExpiredTokenException: ['TOKEN_EXPIRED', 'the AWS session token has expired: sign in again'],
  UnrecognizedClientException: [
    'ACCESS_DENIED',
    'AWS does not know this access key, or its token is not valid',
  ],
  InvalidSignatureException: [
    'ACCESS_DENIED',
    "AWS refuses the signature: check the secret key, and this machine's clock",
  ],
  CredentialsProviderError: ['ACCESS_DENIED', 'no AWS credentials were found: sign in, or set them'],
}

/** The SDK's message stays out of it: it may quote what was sent. */
function kmsError(error: unknown): KeyVaultError {
  const name = error instanceof Error ? error.name : 'unknown error'
  const known = errors[name]
  if (known !== undefined) return new KeyVaultError(...known)
  return new KeyVaultError('UNAVAILABLE', `KMS gives no answer that can be used (${name})`)
}
