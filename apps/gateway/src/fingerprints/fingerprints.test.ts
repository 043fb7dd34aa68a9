import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFingerprints } from './fingerprints.ts'

const key = Buffer.alloc(32, 'k')

it('a fingerprint is the HMAC-SHA-256 of the credential, 128 bits of it', () => {
  const expected = createHmac('sha256', key).update('sk-a').digest().subarray(0, 16)
  const shown = Buffer.from(createFingerprints(key).of('sk-a'), 'base64url')
  expect(shown.equals(expected)).toBe(true)
})

it('short credentials are not found by hashing guesses without the key', () => {
  const { of } = createFingerprints(key)
  const guesses = [
    'any',
    'team-1',
    'team-2',
    'sk-test',
    'password',
    ...Array.from({ length: 1000 }, (_, i) => `${i}`),
  ]
  const shown = of('team-1')
  for (const algorithm of ['sha256', 'sha1', 'md5', 'sha512']) {
    for (const guess of guesses) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const digest = createHash(algorithm).update(guess).digest(encoding)
        expect(digest.slice(0, 12)).not.toBe(shown.slice(0, 12))
      }
    }
  }
})

it('another installation makes other fingerprints', () => {
  expect(createFingerprints(Buffer.alloc(32, 'o')).of('any')).not.toBe(createFingerprints(key).of('any'))
})

it('fingerprints are the same however many were made in between, and differ as credentials do', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 })
  const { of } = createFingerprints(key)
  const fresh = (credential: string) => createFingerprints(key).of(credential)
  fc.assert(
    fc.property(text, (credential) => {
      const [first, second] = [of(credential), of(credential)]
      return first === fresh(credential) && first === second
    }),
  )
  const many = Array.from({ length: 3_000 }, (_, i) => of(`sk-${i}`))
  expect(new Set(many).size).toBe(3_000)
  expect(of('sk-0')).toBe(many[0])
  expect(of('sk-2999')).toBe(many[2999])
})

it('another key makes other fingerprints from then on', () => {
  const fingerprints = createFingerprints(key)
  const before = fingerprints.of('sk-a')
  fingerprints.use(Buffer.alloc(32, 'o'))
  expect(fingerprints.of('sk-a')).toBe(createFingerprints(Buffer.alloc(32, 'o')).of('sk-a'))
  expect(fingerprints.of('sk-a')).not.toBe(before)
})
