import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { startKms, startTransit } from '@spillway/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AgeFileOptions, ageFile, initAgeFile, rekeyAgeFile } from '../src/age-file-vault.ts'
import { ageIdentity } from '../src/age-sealer.ts'
import { examineAgeFile } from '../src/doctor.ts'
import { kmsDirect, kmsEnvelope } from '../src/kms-sealer.ts'
import { environmentVariables, kmsBlobs } from '../src/read-only-drivers.ts'
import { Secret } from '../src/secret.ts'
import { transit } from '../src/transit-sealer.ts'
import { openVault, type Vault } from '../src/vault.ts'
import { verifyCredential } from '../src/verify.ts'

const canary = 'sk-ant-CANARY-7f3d91c2a8'
const environment = 'test'

let folder: string
let files: AgeFileOptions
let vault: Vault
/** Everything that anybody said during a path. */
let said: unknown[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-canary-'))
  files = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
  said = []
  vault = openVault({ driver: await initAgeFile(files), environment, onEvent: (event) => said.push(event) })
  await vault.add('claude', canary)
})
afterEach(async () => {
  await vault.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What a promise throws, or gives. */
const endOf = async (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)
const secret = () => vault.get('claude')
const rethrow = (text: string) => Promise.reject(new Error(text))
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: canary }

async function withKms<T>(
  work: (kms: Awaited<ReturnType<typeof startKms>>, options: object) => Promise<T>,
): Promise<T> {
  const { KMSClient } = await import('@aws-sdk/client-kms')
  await using kms = await startKms({ identities: [credentials] })
  const client = new KMSClient({ endpoint: kms.url, region: 'us-east-1', credentials, maxAttempts: 1 })
  try {
    return await work(kms, { client, keyId: 'alias/spillway' })
  } finally {
    client.destroy()
  }
}

/** Paths on which a key could come to light. Each gives whatever came of it. Add new ones at the end. */
const paths: Readonly<Record<string, () => Promise<unknown>>> = {
  'a secret in text and JSON': async () => [`${await secret()}`, JSON.stringify(await secret())],
  'a secret in inspect': async () => inspect(await secret(), { showHidden: true, depth: 9, getters: true }),
  'a secret in an error message': async () => new Error(`cannot use ${await secret()}`),
  'a structured clone': async () => structuredClone(await secret()),
  'the vault itself in inspect': async () => {
    await secret()
    return inspect(vault, { showHidden: true, depth: 20, getters: true })
  },
  'a credential in inspect': async () => inspect(vault.credential('claude'), { showHidden: true, depth: 20 }),
  'the list of versions': () => vault.list(),
  'what add gives back': () => vault.add('other', `${canary}-2`),
  'the leases': async () => {
    ;(await vault.credential('claude').token()).release()
    return vault.leases()
  },
  'a name that is a key': () => endOf(vault.get(canary)),
  'a name that is a key, to add': () => endOf(vault.add(`${canary} `, 'x')),
  'a value with a line break': () => endOf(vault.add('claude', `${canary}\n`)),
  'a verification that is refused': () =>
    vault.rotate('claude', `${canary}-2`, {
      verify: async () => ({ ok: false, reason: 'refused', detail: '401' }),
    }),
  'a verification that throws the key': () =>
    vault.rotate('claude', `${canary}-2`, { verify: (tried) => rethrow(tried.expose()) }),
  'a verification without an answer': () => {
    const fetch = (_: unknown, init?: RequestInit) => rethrow(JSON.stringify(init?.headers))
    const verify = verifyCredential({ provider: 'anthropic', fetch: fetch as typeof globalThis.fetch })
    return vault.rotate('claude', `${canary}-2`, { verify })
  },
  'a refusal in use': async () => {
    await vault.add('claude', `${canary}-2`)
    await vault.promote('claude')
    vault.credential('claude').refused(`${canary}-2`)
    return vault.list()
  },
  'a key of another environment': () =>
    endOf(openVault({ driver: ageFile(files), environment: 'production' }).get('claude')),
  'the vault and the files beside it': async () => {
    ;(await vault.credential('claude').token()).release()
    await vault.close()
    return readdirSync(folder).map((file) => readFileSync(join(folder, file), 'latin1'))
  },
  'temporary files of a dead writer': async () => {
    const { path, keyFile } = files
    const script = new URL('kill-child.ts', import.meta.url).pathname
    const args = ['--conditions=@spillway/source', script, path, keyFile, 'rekey', '10']
    await endOf(Promise.resolve().then(() => execFileSync(process.execPath, args, { stdio: 'pipe' })))
    const left = readdirSync(folder)
    expect(left.some((file) => file.endsWith('.tmp'))).toBe(true)
    return left.map((file) => readFileSync(join(folder, file), 'latin1'))
  },
  'a damaged file': async () => {
    writeFileSync(files.path, `${canary}\n${readFileSync(files.path, 'latin1')}`)
    return endOf(ageFile(files).load())
  },
  'a sealed document that is none': async () => {
    const sealer = {
      name: 'age-identity',
      seal: async (b: Uint8Array) => b,
      open: async () => Buffer.from(canary),
    }
    const { sealedFile } = await import('../src/sealed-file.ts')
    return endOf(sealedFile({ path: files.path, sealer }).load())
  },
  'a driver that throws the key': async () => {
    const driver = { name: 'broken', load: () => rethrow(canary) }
    return endOf(
      Promise.resolve(openVault({ driver, environment }).credential('claude').token()).catch(
        (error: Error) => ({ error, state: 'empty' }),
      ),
    )
  },
  'an identity that is a key': () => endOf(ageIdentity({ identity: canary }).seal(Buffer.from('x'), {})),
  'a passphrase that is too short': () => {
    const options = { path: join(folder, 'v'), keyFile: join(folder, 'k'), kind: 'passphrase' } as const
    return endOf(initAgeFile(options, canary.slice(0, 0)))
  },
  'a new key for the vault': async () => {
    await rekeyAgeFile(files)
    return readdirSync(folder).map((file) => readFileSync(join(folder, file), 'latin1'))
  },
  'the doctor': () => examineAgeFile(files, { environment: 'production' }),
  'variables of another environment': async () => {
    const driver = environmentVariables({ variables: { claude: 'K' }, env: { K: canary } })
    return endOf(openVault({ driver, environment: 'production' }).get('claude'))
  },
  'KMS that refuses': () =>
    withKms(async (kms, options) => {
      const sealer = kmsDirect(options as Parameters<typeof kmsDirect>[0])
      const sealed = await sealer.seal(Buffer.from(canary), {})
      kms.disable('alias/spillway')
      return [Buffer.from(sealed).toString('latin1'), await endOf(sealer.open(sealed, {})), kms.requests]
    }),
  'KMS that is out of reach': () =>
    withKms(async (kms, options) => {
      kms.always({ type: 'status', status: 500, body: canary })
      return endOf(kmsEnvelope(options as Parameters<typeof kmsEnvelope>[0]).seal(Buffer.from(canary), {}))
    }),
  'a KMS blob in a wrong context': () =>
    withKms(async (_, options) => {
      const sealed = await kmsDirect(options as Parameters<typeof kmsDirect>[0]).seal(Buffer.from(canary), {})
      const ciphertext = Buffer.from(sealed).toString()
      const driver = kmsBlobs({
        ...options,
        environment,
        blobs: { claude: { ciphertext, context: { a: 'b' } } },
      })
      return endOf(driver.load())
    }),
  'a transit server that quotes what it was sent': async () => {
    await using server = await startTransit({ tokens: [canary] })
    const sealer = transit({ url: server.url, key: 'spillway', token: canary })
    server.next({ type: 'status', status: 400, body: JSON.stringify({ errors: [canary] }) })
    return [await endOf(sealer.seal(Buffer.from(canary), {})), server.requests]
  },
  'a process that crashes with the secret in its hands': async () => {
    const source = `
      const { ageFile, openVault } = await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)})
      const vault = openVault({ driver: ageFile(${JSON.stringify(files)}), environment: 'test' })
      const secret = await vault.get('claude')
      console.log(secret, process.argv)
      throw Object.assign(new Error('crash with ' + secret), { secret, vault })`
    const args = ['--conditions=@spillway/source', '--input-type=module', '-e', source]
    const crash = await endOf(
      Promise.resolve().then(() => execFileSync(process.execPath, args, { stdio: 'pipe' })),
    )
    const { stdout, stderr } = crash as { stdout: Buffer; stderr: Buffer }
    expect(String(stderr)).toContain('crash with [secret claude v1]')
    return [String(stdout), String(stderr)]
  },
}

it('has at least 25 paths', () => {
  expect(Object.keys(paths).length).toBeGreaterThanOrEqual(25)
})

it.each(Object.entries(paths))('the key does not show in %s', async (_, path) => {
  const result = await path()
  const texts = [result, ...said].flatMap((thing) => [
    String(thing),
    inspect(thing, { depth: 20, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity }),
    JSON.stringify(thing) ?? '',
    thing instanceof Error ? `${thing.stack} ${inspect(thing.cause)}` : '',
  ])
  // The files that were left, whatever they are.
  if (existsSync(folder)) {
    for (const file of readdirSync(folder)) {
      // The damaged file is the test's own doing.
      if (!_.startsWith('a damaged')) texts.push(readFileSync(join(folder, file), 'latin1'))
    }
  }
  const hidden = [
    canary,
    Buffer.from(canary).toString('base64').slice(0, 28),
    Buffer.from(canary).toString('hex'),
  ]
  for (const text of texts) for (const form of hidden) expect(text.includes(form)).toBe(false)
  expect(new Secret({ name: 'claude', version: 1, environment }, canary).expose()).toBe(canary)
})
