import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'

export type KmsKeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** An EncryptionContext. */
export type KmsContext = Readonly<Record<string, string>>

const nonceLength = 12
const tagLength = 16
const idLength = 36

/** A symmetric key that never leaves the server; rotation adds material and keeps the old. */
export class KmsKey {
  readonly id: string = randomUUID()
  state: KmsKeyState = 'Enabled'
  readonly #materials: Buffer[] = [randomBytes(32)]

  get arn(): string {
    return `arn:aws:kms:us-east-1:000000000000:key/${this.id}`
  }

  rotate(): void {
    this.#materials.push(randomBytes(32))
  }

  /** The key's id, the number of its material, and AES-256-GCM. */
  encrypt(plain: Uint8Array, context: KmsContext): Buffer {
    const material = this.#materials.length - 1
    const nonce = randomBytes(nonceLength)
    const cipher = createCipheriv('aes-256-gcm', this.#materials[material] as Buffer, nonce)
    cipher.setAAD(canonical(context))
    return Buffer.concat([
      Buffer.from(this.id),
      Buffer.of(material),
      nonce,
      cipher.update(plain),
      cipher.final(),
      cipher.getAuthTag(),
    ])
  }

  /** Undefined when the blob is damaged, or the context another. */
  decrypt(blob: Buffer, context: KmsContext): Buffer | undefined {
    const sealed = blob.subarray(idLength + 1)
    const material = this.#materials[blob[idLength] ?? -1]
    if (material === undefined || sealed.length < nonceLength + tagLength) return undefined
    const decipher = createDecipheriv('aes-256-gcm', material, sealed.subarray(0, nonceLength))
    decipher.setAAD(canonical(context))
    decipher.setAuthTag(sealed.subarray(-tagLength))
    try {
      return Buffer.concat([decipher.update(sealed.subarray(nonceLength, -tagLength)), decipher.final()])
    } catch {
      return undefined
    }
  }
}

/** The id of the key that sealed a blob. */
export function keyIdOf(blob: Buffer): string {
  return blob.subarray(0, idLength).toString('latin1')
}

function canonical(context: KmsContext): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))))
}
