import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  ageIdentity,
  environmentVariables,
  newAgeIdentity,
  openVault,
  type SealedFile,
  type Sealer,
  sealedFile,
  type Vault,
} from '../src/index.ts'
import { frame } from '../src/sealed-format.ts'
import { encodeDocument, type VaultDocument } from '../src/vault-document.ts'

let folder: string
let sealer: Sealer
const open: Vault[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-vault-'))
  sealer = ageIdentity({ identity: await newAgeIdentity() })
})
afterEach(async () => {
  for (const vault of open.splice(0)) await vault.close()
  rmSync(folder, { recursive: true })
})

const file = (name = 'vault.age'): SealedFile => sealedFile({ path: join(folder, name), sealer })

function vaultAt(driver: Parameters<typeof openVault>[0]['driver']): Vault {
  const vault = openVault({ driver, environment: 'test' })
  open.push(vault)
  return vault
}

/** What earlier versions showed: the start of a plain digest, to be found by hashing guesses. */
const plainDigest = (value: string): string => createHash('sha256').update(value).digest('hex').slice(0, 12)

/** A vault as an earlier version of this package wrote it. */
async function writeOld(name = 'vault.age'): Promise<void> {
  const at = { createdAt: 1, changedAt: 1 }
  const document: VaultDocument = {
    format: 1,
    secrets: {
      team: {
        environment: 'test',
        versions: [
          { version: 1, state: 'revoked', fingerprint: plainDigest('team-0'), ...at },
          { version: 2, state: 'active', value: 'team-1', fingerprint: plainDigest('team-1'), ...at },
        ],
      },
    },
  }
  const sealed = await sealer.seal(encodeDocument(document), { service: 'spillway' })
  writeFileSync(join(folder, name), frame(sealer.name, sealed), { mode: 0o600 })
}

const fingerprintsOf = async (vault: Vault): Promise<string[]> =>
  (await vault.list()).map(({ fingerprint }) => fingerprint)

it('are the same for the same key of a vault, and others in another vault', async () => {
  await file().create()
  await file('other.age').create()
  const [one, other] = [vaultAt(file()), vaultAt(file('other.age'))]
  const { fingerprint } = await one.add('a', 'team-1')
  expect(fingerprint).toMatch(/^[\w-]{22}$/)
  expect((await one.add('b', 'team-1')).fingerprint).toBe(fingerprint)
  expect((await one.add('c', 'team-2')).fingerprint).not.toBe(fingerprint)
  expect((await one.get('a')).fingerprint).toBe(fingerprint)
  expect((await other.add('a', 'team-1')).fingerprint).not.toBe(fingerprint)
  expect((await vaultAt(file()).list('a'))[0]?.fingerprint).toBe(fingerprint)
})

it('are not found by hashing guesses', async () => {
  await file().create()
  const { fingerprint } = await vaultAt(file()).add('team', 'team-1')
  for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(createHash(algorithm).update('team-1').digest(encoding)).not.toContain(fingerprint.slice(0, 8))
  }
})

it('of a revoked version stay what they were', async () => {
  await file().create()
  const vault = vaultAt(file())
  const { fingerprint } = await vault.add('a', 'team-1')
  await vault.revoke('a', 1)
  expect(await fingerprintsOf(vault)).toEqual([fingerprint])
})

it('of a vault that an earlier version wrote are no plain digests, and the same until it is written', async () => {
  await writeOld()
  const shown = await fingerprintsOf(vaultAt(file()))
  expect(shown).toHaveLength(2)
  for (const fingerprint of shown) expect(fingerprint).toMatch(/^[\w-]{22}$/)
  expect(await fingerprintsOf(vaultAt(file()))).toEqual(shown)
  const vault = vaultAt(file())
  expect((await vault.get('team')).expose()).toBe('team-1')
  expect((await vault.get('team')).fingerprint).toBe(shown[1])
})

it('get a key that nobody can derive when an old vault is next written, and then stay', async () => {
  await writeOld()
  const old = await fingerprintsOf(vaultAt(file()))
  const vault = vaultAt(file())
  await vault.add('other', 'team-1')
  const [revoked, active, other] = await fingerprintsOf(vault)
  expect(old).not.toContain(active)
  expect(old).not.toContain(revoked)
  expect(other).toBe(active)
  await vault.promote('other').catch(() => {})
  expect(await fingerprintsOf(vaultAt(file()))).toEqual([revoked, active, other])
  expect(JSON.stringify(await file().load())).not.toContain(plainDigest('team-1'))
})

it('of variables end with the process, unless a key is given for them', async () => {
  const env = { KEY: 'team-1' }
  const driver = (fingerprintKey?: string) =>
    environmentVariables({
      variables: { team: 'KEY' },
      environment: 'test',
      env,
      ...(fingerprintKey !== undefined && { fingerprintKey }),
    })
  const [one, other] = [vaultAt(driver()), vaultAt(driver())]
  expect(await fingerprintsOf(one)).not.toEqual(await fingerprintsOf(other))
  const [first, second] = [vaultAt(driver('k'.repeat(32))), vaultAt(driver('k'.repeat(32)))]
  expect(await fingerprintsOf(first)).toEqual(await fingerprintsOf(second))
})
