import { KMSClient } from '@aws-sdk/client-kms'
import { type KmsServer, sealerCases, startKms, startTransit, type TransitServer } from '@spillway/testing'
import { Decrypter, Encrypter } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scryptIdentity, scryptRecipient } from '../src/age-scrypt.ts'
import { ageIdentity, agePassphrase } from '../src/age-sealer.ts'
import { keychain } from '../src/keychain-sealer.ts'
import { kmsDirect, kmsEnvelope } from '../src/kms-sealer.ts'
import type { Sealer } from '../src/sealer.ts'
import { transit } from '../src/transit-sealer.ts'
import { anIdentity, codeOf, workFactor } from './support.ts'

let kms: KmsServer
let bao: TransitServer
let client: KMSClient
const sealers = new Map<string, Sealer>()

beforeAll(async () => {
  kms = await startKms()
  bao = await startTransit()
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'kms-secret' }
  client = new KMSClient({ endpoint: kms.url, region: 'us-east-1', credentials, maxAttempts: 1 })
  let stored: string | undefined
  const entry = {
    getPassword: async () => stored,
    setPassword: async (password: string) => {
      stored = password
    },
  }
  const all = [
    agePassphrase({ passphrase: 'correct horse battery', workFactor }),
    ageIdentity({ identity: await anIdentity() }),
    keychain({ entry }),
    kmsEnvelope({ client, keyId: 'alias/spillway' }),
    kmsDirect({ client, keyId: 'alias/spillway' }),
    transit({ url: bao.url, key: 'spillway', token: 'transit-token' }),
  ]
  for (const sealer of all) sealers.set(sealer.name, sealer)
})
afterAll(async () => {
  client.destroy()
  await Promise.all([kms.close(), bao.close()])
})

const names = ['age-passphrase', 'age-identity', 'keychain', 'kms-envelope', 'kms-direct', 'transit']
const context = { service: 'claude' }
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

describe.each(names)('%s', (name) => {
  const sealer = (): Sealer => sealers.get(name) as Sealer

  for (const { name: behaviour, run } of sealerCases(sealer)) it(behaviour, run)

  it('says so when the context is another', async () => {
    const sealed = await sealer().seal(everyByte, context)
    for (const other of [{}, { service: 'Claude' }, { service: 'claude', more: '' }]) {
      expect(await codeOf(sealer().open(sealed, other))).toBe('WRONG_CONTEXT')
    }
  })
})

describe('age', () => {
  it('is the format of age: the library opens what is sealed here, and the reverse', async () => {
    const passphrase = 'correct horse battery'
    const here = new Encrypter()
    here.addRecipient(scryptRecipient(passphrase, workFactor))
    const there = new Decrypter()
    there.addPassphrase(passphrase)
    expect(await there.decrypt(await here.encrypt('hello'), 'text')).toBe('hello')

    const theirs = new Encrypter()
    theirs.setPassphrase(passphrase)
    theirs.setScryptWorkFactor(workFactor)
    const ours = new Decrypter()
    ours.addIdentity(scryptIdentity(passphrase))
    expect(await ours.decrypt(await theirs.encrypt('hello'), 'text')).toBe('hello')
  })

  it('does its work beside the event loop', async () => {
    const sealer = agePassphrase({ passphrase: 'correct horse battery', workFactor: 16 })
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await sealer.seal(everyByte, context)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
  })

  it('tells a wrong passphrase and a wrong identity', async () => {
    const sealed = await agePassphrase({ passphrase: 'right', workFactor }).seal(everyByte, context)
    const wrong = agePassphrase({ passphrase: 'wrong', workFactor })
    expect(await codeOf(wrong.open(sealed, context))).toBe('WRONG_PASSPHRASE')
    const toOne = await ageIdentity({ identity: await anIdentity() }).seal(everyByte, context)
    expect(await codeOf(ageIdentity({ identity: await anIdentity() }).open(toOne, context))).toBe(
      'WRONG_IDENTITY',
    )
    expect(await codeOf(ageIdentity({ identity: 'sk-nonsense' }).open(toOne, context))).toBe('INVALID_INPUT')
  })

  it('opens with any of several keys, and seals with the first', async () => {
    const [old, fresh] = [await anIdentity(), await anIdentity()]
    const both = ageIdentity({ identity: [fresh, old] })
    const byOld = await ageIdentity({ identity: old }).seal(everyByte, context)
    expect(await codeOf(both.open(byOld, context))).toBe('none')
    const byBoth = await both.seal(everyByte, context)
    expect(await codeOf(ageIdentity({ identity: fresh }).open(byBoth, context))).toBe('none')
    expect(await codeOf(ageIdentity({ identity: old }).open(byBoth, context))).toBe('WRONG_IDENTITY')
  })
})

describe('KMS', () => {
  const open = async (): Promise<string> => {
    const sealed = sealedBy as Uint8Array
    return codeOf((sealers.get('kms-envelope') as Sealer).open(sealed, context))
  }
  let sealedBy: Uint8Array | undefined

  it('says what is wrong, each in its own way', async () => {
    sealedBy = await (sealers.get('kms-envelope') as Sealer).seal(everyByte, context)
    kms.disable('alias/spillway')
    expect(await open()).toBe('KEY_DISABLED')
    kms.scheduleDeletion('alias/spillway')
    expect(await open()).toBe('KEY_DISABLED')
    kms.enable('alias/spillway')
    kms.deny('Decrypt')
    expect(await open()).toBe('ACCESS_DENIED')
    kms.deny(undefined)
    kms.expireTokens()
    expect(await open()).toBe('TOKEN_EXPIRED')
    kms.expireTokens(false)
    for (const type of ['throttled', 'internal', 'reset'] as const) {
      kms.next({ type })
      expect(await open()).toBe('UNAVAILABLE')
    }
    expect(await codeOf(kmsEnvelope({ client, keyId: 'alias/none' }).seal(everyByte, context))).toBe(
      'KEY_MISSING',
    )
    expect(await open()).toBe('none')
  })

  it('opens after a rotation of the key what was sealed before', async () => {
    sealedBy = await (sealers.get('kms-envelope') as Sealer).seal(everyByte, context)
    kms.rotate('alias/spillway')
    expect(await open()).toBe('none')
  })

  it('does not take a key to be what another key sealed', async () => {
    const other = kmsEnvelope({ client, keyId: kms.createKey() })
    sealedBy = await (sealers.get('kms-envelope') as Sealer).seal(everyByte, context)
    expect(await codeOf(other.open(sealedBy, context))).toBe('WRONG_CONTEXT')
  })

  it('seals no more than it can by itself', async () => {
    const direct = sealers.get('kms-direct') as Sealer
    expect(await codeOf(direct.seal(new Uint8Array(4097), context))).toBe('TOO_LARGE')
  })

  it('binds to the context by KMS itself, so that its log says what was opened', async () => {
    const sealed = await (sealers.get('kms-direct') as Sealer).seal(everyByte, context)
    await (sealers.get('kms-direct') as Sealer).open(sealed, context)
    expect(kms.requests.at(-1)).toMatchObject({ operation: 'Decrypt', context: { service: 'claude' } })
  })
})

describe('transit', () => {
  const sealer = (): Sealer => sealers.get('transit') as Sealer

  it('says what is wrong, each in its own way', async () => {
    const sealed = await sealer().seal(everyByte, context)
    const open = (): Promise<string> => codeOf(sealer().open(sealed, context))
    bao.seal()
    expect(await open()).toBe('SEALED')
    bao.seal(false)
    bao.deny('decrypt')
    expect(await open()).toBe('ACCESS_DENIED')
    bao.deny(undefined)
    const expired = transit({ url: bao.url, key: 'spillway', token: async () => 'gone' })
    expect(await codeOf(expired.open(sealed, context))).toBe('TOKEN_EXPIRED')
    for (const type of ['throttled', 'internal', 'reset'] as const) {
      bao.next({ type })
      expect(await open()).toBe('UNAVAILABLE')
    }
    bao.next({ type: 'hang' })
    const impatient = transit({ url: bao.url, key: 'spillway', token: 'transit-token', requestTimeout: 20 })
    expect(await codeOf(impatient.open(sealed, context))).toBe('UNAVAILABLE')
    const other = transit({ url: bao.url, key: 'other', token: 'transit-token' })
    expect(await codeOf(other.open(sealed, context))).toBe('KEY_MISSING')
  })
})

describe('the keychain', () => {
  it('says so when its entry is gone, or it cannot be used', async () => {
    const empty = keychain({ entry: { getPassword: async () => null, setPassword: async () => {} } })
    expect(await codeOf(empty.open(everyByte, context))).toBe('KEY_MISSING')
    const locked = keychain({
      entry: { getPassword: () => Promise.reject(new Error('locked')), setPassword: async () => {} },
    })
    expect(await codeOf(locked.open(everyByte, context))).toBe('UNAVAILABLE')
  })
})
