import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { connectKms, type KmsConnection } from './kms-client.ts'
import { contextBytes, type SealContext, type Sealer } from './sealer.ts'
import { KeyVaultError } from './vault-error.ts'

export interface KmsSealerOptions extends KmsConnection {
  /** Key id, ARN, or alias such as `alias/spillway`. */
  readonly keyId: string
}

/** The most that KMS encrypts by itself. */
const kmsLimit = 4096
const tagLength = 16

/**
 * Seals with AES-256-GCM under a data key of KMS's, a new one each time; beside it lies the data key, sealed by KMS
 * under the same EncryptionContext (envelope encryption). For a vault of any size.
 */
export function kmsEnvelope(options: KmsSealerOptions): Sealer {
  const kms = connectKms(options)
  return {
    name: 'kms-envelope',
    async seal(bytes, context) {
      const { key, blob } = await kms.generateDataKey(options.keyId, context)
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
      cipher.setAAD(contextBytes(context))
      const data = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
      key.fill(0)
      const envelope = {
        keyId: options.keyId,
        dataKey: base64(blob),
        nonce: base64(nonce),
        data: base64(data),
      }
      return new TextEncoder().encode(`${JSON.stringify(envelope)}\n`)
    },
    async open(sealed, context) {
      const { dataKey, nonce, data } = parseEnvelope(sealed)
      const key = await kms.decrypt(options.keyId, dataKey, context)
      try {
        return decrypt(key, nonce, data, context)
      } finally {
        key.fill(0)
      }
    },
    close: () => kms.close(),
  }
}

/** Seals by KMS itself, without a data key. For a vault of up to 4096 bytes: some ten keys. */
export function kmsDirect(options: KmsSealerOptions): Sealer {
  const kms = connectKms(options)
  return {
    name: 'kms-direct',
    async seal(bytes, context) {
      if (bytes.length > kmsLimit) {
        throw new KeyVaultError(
          'TOO_LARGE',
          `the vault has ${bytes.length} bytes, and KMS seals ${kmsLimit} at most by itself: use kmsEnvelope`,
        )
      }
      return new TextEncoder().encode(base64(await kms.encrypt(options.keyId, bytes, context)))
    },
    open: (sealed, context) =>
      kms.decrypt(options.keyId, Buffer.from(Buffer.from(sealed).toString('latin1'), 'base64'), context),
    close: () => kms.close(),
  }
}

function decrypt(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, context: SealContext): Uint8Array {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
    decipher.setAAD(contextBytes(context))
    decipher.setAuthTag(data.subarray(-tagLength))
    return Buffer.concat([decipher.update(data.subarray(0, -tagLength)), decipher.final()])
  } catch {
    throw damaged()
  }
}

function parseEnvelope(sealed: Uint8Array): Record<'dataKey' | 'nonce' | 'data', Uint8Array> {
  try {
    const { dataKey, nonce, data } = JSON.parse(Buffer.from(sealed).toString()) as Record<string, string>
    return { dataKey: bytesOf(dataKey), nonce: bytesOf(nonce), data: bytesOf(data) }
  } catch {
    throw damaged()
  }
}

function damaged(): KeyVaultError {
  return new KeyVaultError('DAMAGED', 'the sealed part of the vault has been changed: restore it from a copy')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function bytesOf(text: string | undefined): Uint8Array {
  if (typeof text !== 'string') throw new TypeError()
  return Buffer.from(text, 'base64')
}
