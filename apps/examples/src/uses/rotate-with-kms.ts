import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KMSClient } from '@aws-sdk/client-kms'
import { createClient } from '@spillway/core-client'
import { kmsEnvelope, openVault, sealedFile, verifyCredential } from '@spillway/key-vault'
import { startClaude, startKms } from '@spillway/testing'

await using kms = await startKms()
await using claude = await startClaude({ apiKeys: ['sk-ant-old', 'sk-ant-new'] })
const folder = await mkdtemp(join(tmpdir(), 'spillway-vault-'))

// Leave `client` out for the credentials and the region of the environment.
const sdk = new KMSClient({
  endpoint: kms.url,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'kms-secret' },
})
const sealer = kmsEnvelope({ keyId: 'alias/spillway', client: sdk })
const driver = sealedFile({ path: join(folder, 'vault.kms'), sealer })
await driver.create()
const promoted = Promise.withResolvers<void>()
const vault = openVault({
  driver,
  onEvent({ type }) {
    console.log(type)
    if (type === 'rotation.promoted') promoted.resolve()
  },
})
await vault.add('claude', 'sk-ant-old')

const client = createClient({
  provider: 'anthropic',
  baseUrl: claude.url,
  credential: vault.credential('claude'),
})
await client.complete('Hello?')
const rotation = vault.rotate('claude', 'sk-ant-new', {
  verify: verifyCredential({ provider: 'anthropic', baseUrl: claude.url }),
})
// Calls go on meanwhile. Once one has been answered with the new key, and none uses the old one, the old one is gone.
await promoted.promise
await client.complete('Hello again?')
await rotation
for (const { method, path, headers } of claude.requests) console.log(method, path, headers['x-api-key'])

await client.close()
await vault.close()
sdk.destroy()
await rm(folder, { recursive: true })
