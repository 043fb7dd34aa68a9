import { createHash, createHmac, type Hash, type Hmac, webcrypto } from 'node:crypto'

/** A body of more bytes is hashed in another thread. */
const large = 1024 * 1024

/** SHA-256 as the signer of AWS wants it, by OpenSSL: 1 ms for 450 kB. */
export class NodeSha256 {
  #secret: Uint8Array | string | undefined
  #hash: Hash | Hmac
  #large: Uint8Array<ArrayBuffer> | undefined

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret)
    this.#hash = begin(this.#secret)
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    const bytes = bytesOf(data)
    // The signer gives a body whole.
    if (this.#secret === undefined && typeof bytes !== 'string' && bytes.byteLength > large) {
      this.#large = bytes
    } else this.#hash.update(bytes)
  }

  async digest(): Promise<Uint8Array> {
    if (this.#large !== undefined)
      return new Uint8Array(await webcrypto.subtle.digest('SHA-256', this.#large))
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = begin(this.#secret)
    this.#large = undefined
  }
}

function begin(secret: Uint8Array | string | undefined): Hash | Hmac {
  return secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> | string {
  if (typeof data === 'string') return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
}
