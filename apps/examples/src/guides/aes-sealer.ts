import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KeyVaultError, type SealContext, type Sealer } from '@spillway/key-vault'

/** The same bytes, in whatever order the names were written. */
const bytesOf = (context: SealContext): Buffer =>
  Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))))

/** Seals with AES-256-GCM under a key of 32 bytes. */
export function aesSealer(key: Uint8Array): Sealer {
  return {
    name: 'aes-256-gcm',
    async seal(bytes, context) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(bytesOf(context))
      return Buffer.concat([iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    async open(sealed, context) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), {
          authTagLength: 16,
        })
        decipher.setAAD(bytesOf(context)).setAuthTag(sealed.subarray(-16))
        return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
      } catch {
        throw new KeyVaultError(
          'WRONG_IDENTITY',
          'the vault was sealed with another key or for another context: use the key that sealed it',
        )
      }
    },
  }
}
