import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Calls } from '@spillway/gateway-api'
import { initAgeFile, openVault } from '@spillway/key-vault'
import { processEnvironment } from '@spillway/key-vault/internal'
import { hasRedis, startClaude, startRedis } from '@spillway/testing'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { ConfigError, type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

interface Installation {
  readonly stateFolder?: string
  readonly more?: object
}

interface Telling extends Gateway {
  readonly said: readonly string[]
  /** Makes a call with this key, and returns who called by the word of the ledger. */
  tenant(key: string): Promise<string | null | undefined>
}

async function gatewayIn({
  stateFolder = temporaryFolder(),
  more = {},
}: Installation = {}): Promise<Telling> {
  const claude = forThisTest(await startClaude())
  const said: string[] = []
  const { config } = parseConfig(
    stringify(configOf(targetAt(claude, 'anthropic'), undefined, more)),
    'test.yaml',
  )
  const gateway = await startGateway(config, { port: 0, stateFolder, log: (line) => said.push(line) })
  onTestFinished(() => gateway.close(0))
  return {
    ...gateway,
    said,
    async tenant(key) {
      const headers = { 'x-api-key': key }
      const { status } = await send(`${gateway.url}/v1/messages`, { headers, body: messages() })
      expect(status).toBe(200)
      const booked = claude.requests.length
      return vi.waitFor(async () => {
        const { text } = await send(`${gateway.url}/api/calls`, { method: 'GET' })
        const { calls } = JSON.parse(text) as Calls
        expect(calls).toHaveLength(booked)
        return calls[0]?.tenant
      }, 10_000)
    },
  }
}

/** Everything that an attacker who knows no key of the installation can compute of a guess. */
function hashesOf(guess: string): string[] {
  return ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) =>
    [guess, `Bearer ${guess}`, `key-${guess}`].flatMap((text) =>
      (['hex', 'base64', 'base64url'] as const).map((encoding) =>
        createHash(algorithm).update(text).digest(encoding),
      ),
    ),
  )
}

it.each(['any', 'team-1', 'sk-test'])(
  'the key %s of a caller is not found by hashing guesses',
  async (key) => {
    const gateway = await gatewayIn()
    const tenant = (await gateway.tenant(key)) as string
    expect(tenant).toMatch(/^key-[\w-]{22}$/)
    const shown = tenant.slice('key-'.length)
    for (const digest of hashesOf(key)) expect(digest).not.toContain(shown.slice(0, 8))
  },
)

it('a caller without a key has no fingerprint', async () => {
  const gateway = await gatewayIn()
  expect(await gateway.tenant('')).toBeNull()
})

it('fingerprints outlive a restart, and are others in another installation', async () => {
  const stateFolder = temporaryFolder()
  const first = await gatewayIn({ stateFolder })
  const tenant = await first.tenant('any')
  await first.close(0)
  const second = await gatewayIn({ stateFolder })
  expect(await second.tenant('any')).toBe(tenant)
  expect(await second.tenant('other')).not.toBe(tenant)
  const elsewhere = await gatewayIn()
  expect(await elsewhere.tenant('any')).not.toBe(tenant)
  expect([first.said, second.said, elsewhere.said].flat()).toEqual([])
  expect(statSync(join(stateFolder, 'fingerprint.key')).mode & 0o777).toBe(0o600)
})

it('a gateway that cannot keep a key serves with one of this process, and says so', async () => {
  const folder = join(temporaryFolder(), 'state')
  writeFileSync(folder, 'a file is in the way')
  const gateway = await gatewayIn({ stateFolder: folder })
  expect(gateway.said).toEqual([
    expect.stringMatching(/hold for this process only.*ENOTDIR.*server\.fingerprintKey/),
  ])
  expect(await gateway.tenant('any')).toBe(await gateway.tenant('any'))
})

it('a key that others could read is closed to them, and its owner is told', async () => {
  const stateFolder = temporaryFolder()
  await (await gatewayIn({ stateFolder })).close(0)
  chmodSync(join(stateFolder, 'fingerprint.key'), 0o644)
  const gateway = await gatewayIn({ stateFolder })
  expect(gateway.said).toEqual([expect.stringContaining('was open to other users')])
  expect(statSync(join(stateFolder, 'fingerprint.key')).mode & 0o777).toBe(0o600)
})

describe('server.fingerprintKey', () => {
  it('is the same everywhere, and leaves the state folder alone', async () => {
    vi.stubEnv('SPILLWAY_TEST_FINGERPRINT_KEY', `${'s'.repeat(43)}\n`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const more = { server: { fingerprintKey: 'env:SPILLWAY_TEST_FINGERPRINT_KEY' } }
    const stateFolder = join(temporaryFolder(), 'none')
    const [one, other] = [await gatewayIn({ more, stateFolder }), await gatewayIn({ more })]
    expect(await one.tenant('any')).toBe(await other.tenant('any'))
    expect(() => readFileSync(stateFolder)).toThrow('ENOENT')
  })

  it('may be in the vault', async () => {
    const folder = temporaryFolder()
    const files = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
    const vault = openVault({ driver: await initAgeFile(files), environment: processEnvironment() })
    await vault.add('fingerprints', 'v'.repeat(43))
    await vault.add('short', 'v'.repeat(31))
    await vault.close()
    const more = (name: string): object => ({
      server: { fingerprintKey: `vault:${name}` },
      vault: { file: files.path, keyFile: files.keyFile },
    })
    const [one, other] = [
      await gatewayIn({ more: more('fingerprints') }),
      await gatewayIn({ more: more('fingerprints') }),
    ]
    expect(await one.tenant('any')).toBe(await other.tenant('any'))
    await expect(gatewayIn({ more: more('short') })).rejects.toThrow(
      /^server\.fingerprintKey: vault:short has fewer than 32 characters/,
    )
    await expect(gatewayIn({ more: more('none') })).rejects.toThrow(
      /^server\.fingerprintKey: the vault has no secret/,
    )
  })

  it.each([
    ['is missing', undefined, 'is not set'],
    ['is empty', ' \n', 'is not set'],
    ['is short', 'too-short-to-be-a-secret', 'has fewer than 32 characters'],
  ])('that %s is an error of the configuration, which does not quote it', (_, value, message) => {
    vi.stubEnv('SPILLWAY_TEST_FINGERPRINT_KEY', value)
    onTestFinished(() => void vi.unstubAllEnvs())
    const text = stringify(
      configOf({ api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }, undefined, {
        server: { fingerprintKey: 'env:SPILLWAY_TEST_FINGERPRINT_KEY' },
      }),
    )
    const parse = (): unknown => parseConfig(text, 'test.yaml')
    expect(parse).toThrow(ConfigError)
    expect(parse).toThrow(`server.fingerprintKey: env:SPILLWAY_TEST_FINGERPRINT_KEY ${message}`)
    expect(parse).not.toThrow('too-short-to-be-a-secret')
  })

  it.each(['a-key-in-the-file-itself-which-is-long', 'caller', 'env:', 'vault:'])(
    'is no text like %s',
    (fingerprintKey) => {
      const text = stringify(
        configOf({ api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }, undefined, {
          server: { fingerprintKey },
        }),
      )
      expect(() => parseConfig(text, 'test.yaml')).toThrow(/server\.fingerprintKey: expected env:NAME/)
    },
  )
})

describe.skipIf(!hasRedis() && !process.env.CI)('gateways with the same Redis', { timeout: 30_000 }, () => {
  const limits = { tenants: { rateLimit: { requestsPerMinute: 3, maxWait: '1s' } } }

  it('agree on a key though each has one of its own', async () => {
    const redis = forThisTest(await startRedis())
    const more = { ...limits, state: { redis: redis.url } }
    const [one, other] = [await gatewayIn({ more }), await gatewayIn({ more })]
    expect(await one.tenant('any')).toBe(await other.tenant('any'))
    expect([...one.said, ...other.said]).toEqual([])
  })

  it('keep, count, share and log nothing of a caller’s key that is found by hashing a guess', async () => {
    const redis = forThisTest(await startRedis())
    const claude = forThisTest(await startClaude())
    const folder = temporaryFolder()
    const perMinute = { requestsPerMinute: 100, inputTokensPerMinute: 1_000_000, maxWait: '1s' }
    const callers = {
      api: 'anthropic',
      endpoints: [{ url: claude.url, credential: 'caller' }],
      rateLimit: perMinute,
    }
    const more = {
      tenants: { rateLimit: perMinute },
      budgets: { eachClient: ['requests=1000/month'] },
      state: { redis: redis.url },
      storage: { url: `sqlite:${folder}/books.db`, journal: `${folder}/journal` },
    }
    const said: unknown[] = []
    const { config } = parseConfig(stringify(configOf(callers, undefined, more)), 'test.yaml')
    const gateway = await startGateway(config, {
      ...{ port: 0, stateFolder: temporaryFolder(), log: (line: string) => said.push(line) },
      onAnswer: ({ tenant, callId }) => said.push({ tenant, callId }),
      onRefused: (refused) => said.push(refused),
    })
    onTestFinished(() => gateway.close(0))
    const [first, second] = ['guessable-1', 'guessable-2']
    const ways: readonly Record<string, string>[] = [
      { 'x-api-key': first },
      { authorization: `Bearer ${first}` },
      { 'api-key': first },
      { 'x-api-key': first, authorization: `Bearer ${second}` },
      {
        authorization: `AWS4-HMAC-SHA256 Credential=${second}/20261127/us-east-1/bedrock/aws4_request, Signature=a`,
      },
    ]
    for (const headers of ways) await send(`${gateway.url}/v1/messages`, { headers, body: messages() })
    await send(`${gateway.url}/v1/models`, { method: 'GET', headers: { 'x-api-key': first } })
    const shown = await Promise.all(
      ['/metrics', '/api/calls', '/api/usage?by=tenant&range=1h', '/api/targets', '/readyz'].map(
        async (path) => (await send(`${gateway.url}${path}`, { method: 'GET' })).text,
      ),
    )
    const client = new Redis(redis.url)
    onTestFinished(() => client.disconnect())
    const shared: string[] = await client.keys('*')
    for (const key of [...shared]) shared.push((await client.dump(key))?.toString() ?? '')
    await gateway.close(0)
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    const everything = [JSON.stringify(said), ...shown, ...shared, ...files].join('\n')
    // It was kept and shared at all.
    expect(everything.match(/key-[\w-]{22}/g)?.length).toBeGreaterThan(5)
    expect(shared.length).toBeGreaterThan(2)
    for (const guess of [first, second, `${first}\n${second}`]) {
      expect(everything).not.toContain(guess)
      for (const digest of hashesOf(guess)) expect(everything).not.toContain(digest.slice(0, 10))
    }
  })

  it('agree once it is there, and again when it has lost its data', async () => {
    const redis = forThisTest(await startRedis())
    await redis.stop()
    const more = { state: { redis: redis.url } }
    const one = await gatewayIn({ more })
    const other = await gatewayIn({ more })
    expect(one.said).toContainEqual(expect.stringMatching(/^redis did not answer: .*server\.fingerprintKey/))
    expect(await one.tenant('any')).not.toBe(await other.tenant('any'))
    await redis.start()
    await vi.waitFor(async () => expect(await one.tenant('any')).toBe(await other.tenant('any')), {
      timeout: 8_000,
      interval: 100,
    })
    const agreed = await one.tenant('any')
    await redis.stop()
    await redis.start()
    const client = new Redis(redis.url)
    onTestFinished(() => client.disconnect())
    const isBack = async (): Promise<void> => expect(await client.exists('spillway:fingerprint-key')).toBe(1)
    await vi.waitFor(isBack, { timeout: 8_000, interval: 20 })
    const late = await gatewayIn({ more })
    expect(await late.tenant('any')).toBe(agreed)
  })

  it('keep their own key where what is there is none', async () => {
    const redis = forThisTest(await startRedis())
    const client = new Redis(redis.url)
    await client.set('spillway:fingerprint-key', 'short')
    client.disconnect()
    const stateFolder = temporaryFolder()
    mkdirSync(stateFolder, { recursive: true })
    const gateway = await gatewayIn({ stateFolder, more: { state: { redis: redis.url } } })
    expect(gateway.said).toEqual([expect.stringContaining('malformed')])
    const tenant = await gateway.tenant('any')
    await gateway.close(0)
    expect(await (await gatewayIn({ stateFolder })).tenant('any')).toBe(tenant)
  })
})
