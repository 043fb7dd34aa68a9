import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const nonceLength = 12
const tagLength = 16

/** An `aes256-gcm96` key of the transit engine, with all its versions. */
export class TransitKey {
  /** Ciphertexts of older versions are refused. */
  minimumVersion = 1
  readonly #versions: Buffer[] = [randomBytes(32)]

  get latest(): number {
    return this.#versions.length
  }

  rotate(): void {
    this.#versions.push(randomBytes(32))
  }

  /** `vault:v<N>:<base64>` */
  encrypt(plain: Uint8Array, associated: Buffer): string {
    const nonce = randomBytes(nonceLength)
    const cipher = createCipheriv('aes-256-gcm', this.#versions.at(-1) as Buffer, nonce)
    cipher.setAAD(associated)
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    return `vault:v${this.latest}:${sealed.toString('base64')}`
  }

  /** The plaintext, or what the server says. */
  decrypt(ciphertext: string, associated: Buffer): Buffer | { readonly error: string } {
    const match = /^vault:v(\d+):([A-Za-z0-9+/]+=*)$/.exec(ciphertext)
    const version = Number(match?.[1])
    const key = this.#versions[version - 1]
    if (match === null || key === undefined) return { error: 'invalid ciphertext: no prefix' }
    if (version < this.minimumVersion) {
      return { error: 'ciphertext or signature version is disallowed by policy (too old)' }
    }
    const sealed = Buffer.from(match[2] as string, 'base64')
    if (sealed.length < nonceLength + tagLength) return { error: 'invalid ciphertext length' }
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceLength))
    decipher.setAAD(associated)
    decipher.setAuthTag(sealed.subarray(-tagLength))
    try {
      return Buffer.concat([decipher.update(sealed.subarray(nonceLength, -tagLength)), decipher.final()])
    } catch {
      return { error: 'cipher: message authentication failed' }
    }
  }
}
