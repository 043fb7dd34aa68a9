import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import type { Identity, Recipient } from 'age-encryption'

const label = Buffer.from('age-encryption.org/v1/scrypt')
const noNonce = Buffer.alloc(12)
const tagLength = 16

/** What age itself refuses beyond; a file must not be able to ask for hours of work. */
const highestWorkFactor = 20

/**
 * age's passphrase stanza, with the derivation in the thread pool: the library's own runs on the event loop, where it
 * would hold up every call for the best part of a second.
 */
export function scryptRecipient(passphrase: string, workFactor: number): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const { Stanza } = await import('age-encryption')
      const salt = randomBytes(16)
      const key = await derive(passphrase, salt, workFactor)
      const cipher = createCipheriv('chacha20-poly1305', key, noNonce, { authTagLength: tagLength })
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
      return [new Stanza(['scrypt', withoutPadding(salt), String(workFactor)], body)]
    },
  }
}

/** Opens what {@link scryptRecipient}, or any age, has sealed. */
export function scryptIdentity(passphrase: string): Identity {
  return {
    async unwrapFileKey(stanzas) {
      const [stanza] = stanzas
      if (stanzas.length !== 1 || stanza?.args[0] !== 'scrypt') return null
      const [, salt = '', factor = ''] = stanza.args
      if (!/^[1-9]\d?$/.test(factor) || Number(factor) > highestWorkFactor) return null
      const key = await derive(passphrase, Buffer.from(salt, 'base64'), Number(factor))
      const body = Buffer.from(stanza.body)
      const decipher = createDecipheriv('chacha20-poly1305', key, noNonce, { authTagLength: tagLength })
      decipher.setAuthTag(body.subarray(-tagLength))
      try {
        return new Uint8Array(
          Buffer.concat([decipher.update(body.subarray(0, -tagLength)), decipher.final()]),
        )
      } catch {
        return null
      }
    },
  }
}

function derive(passphrase: string, salt: Uint8Array, workFactor: number): Promise<Buffer> {
  const N = 2 ** workFactor
  return new Promise((resolve, reject) => {
    const options = { N, r: 8, p: 1, maxmem: 2 * 128 * 8 * N + 1_000_000 }
    scrypt(passphrase, Buffer.concat([label, salt]), 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function withoutPadding(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
