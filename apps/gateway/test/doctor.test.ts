import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { openLedgerStore } from '@spillway/ledger'
import { hasRedis, startClaude, startOllama, startOpenRouter, startRedis } from '@spillway/testing'
import { expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { privatePostgres } from '../../../packages/ledger/test/private-postgres.ts'
import { configOf, embeddedTarget, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { configFile, spillway } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

interface Found {
  readonly subject: string
  readonly level: string
  readonly message: string
  readonly mend?: string
}

/** A server that answers everything alike. */
async function answering(status: number, headers: Record<string, string> = {}): Promise<string> {
  const server = createServer((_, res) => void res.writeHead(status, headers).end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

it('doctor finds what is wrong with keys, endpoints, models and services, and says what to do', {
  timeout: 60_000,
}, async () => {
  const claude = forThisTest(await startClaude({ apiKeys: ['sk-ant-CANARY'] }))
  const router = forThisTest(await startOpenRouter({ apiKeys: ['sk-or-good'] }))
  const ollama = forThisTest(await startOllama())
  const late = await answering(200, { date: 'Mon, 01 Jan 2024 00:00:00 GMT' })
  const at = (api: string, url: string, credential?: string, more: object = {}): object => ({
    ...{ api, endpoints: [{ url, ...(credential && { credential }) }], ...more },
  })
  const targets = {
    good: at('anthropic', claude.url, 'env:GOOD'),
    refused: at('openrouter', router.url, 'env:BAD'),
    unset: at('anthropic', claude.url, 'env:UNSET_HERE'),
    callers: at('anthropic', claude.url, 'caller'),
    nowhere: at('openai', 'https://no-such-host.invalid', 'caller'),
    plain: at('openai', claude.url.replace('http:', 'https:'), 'caller'),
    pulled: at('ollama', ollama.url, undefined, { model: 'never-pulled' }),
    wrongBase: at('openai', await answering(404), 'env:GOOD'),
    poor: at('openai', await answering(402), 'env:GOOD'),
    troubled: at('openai', await answering(503), 'env:GOOD'),
    late: at('openai', late, 'env:GOOD'),
    inside: embeddedTarget({}),
  }
  const [first, ...fallback] = Object.keys(targets)
  const file = configFile({
    server: { port: 0 },
    targets,
    routes: [{ models: '*', target: first, fallback }],
    storage: { url: 'sqlite:/no-such-folder/spillway.db' },
    state: { redis: 'redis://127.0.0.1:9' },
  })
  const env = { GOOD: 'sk-ant-CANARY', BAD: 'sk-or-CANARY-bad' }
  const run = spillway(['doctor', '--json', '--config', file], env)
  expect(await run.exit).toBe(1)
  const { ok, findings } = JSON.parse(run.stdout()) as { ok: boolean; findings: readonly Found[] }
  expect(ok).toBe(false)
  const of = (subject: string): string =>
    findings
      .filter((each) => each.subject === subject && each.level !== 'ok')
      .map(({ level, message, mend }) => `${level}: ${message} -> ${mend}`)
      .join('\n')
  for (const subject of ['versions', 'good/1', 'callers/1', 'inside', 'port'])
    expect(of(subject), subject).toBe('')
  expect(findings.find(({ subject }) => subject === 'inside')?.message).toMatch(/loads in \d+ ms .* tokens/)
  expect(of('refused/1')).toMatch(/^error: .* answers 401 .* refuses env:BAD -> .*keys rotate/)
  expect(of('unset/1')).toMatch(/^error: .*UNSET_HERE is not set -> set it: export UNSET_HERE=/)
  // Once, and not also as a warning of the configuration.
  expect(run.stdout().match(/UNSET_HERE is not set/g)).toHaveLength(1)
  expect(of('nowhere/1')).toMatch(/^error: .*no address for no-such-host\.invalid .* -> .*DNS/)
  expect(of('plain/1')).toMatch(/^error: .*no answer .* -> .*begin url with http:\/\//)
  expect(of('pulled/1')).toBe('error: it has no model never-pulled -> run: ollama pull never-pulled')
  expect(of('wrongBase/1')).toMatch(/^warning: .*answers 404.* -> .*base URL/)
  expect(of('poor/1')).toMatch(/^error: .*no credit -> /)
  expect(of('troubled/1')).toMatch(/^warning: .*answers 503/)
  expect(of('late/1')).toMatch(/^warning: this machine's clock is \d+ s ahead of .* -> set the clock/)
  expect(of('redis')).toMatch(/^error: no answer \(ECONNREFUSED\) -> /)
  expect(of('database')).toMatch(/^error: .*cannot be written \(ENOENT\) -> make the folder/)
  expect(run.stdout() + run.stderr()).not.toContain('CANARY')

  const checked = spillway(['check', '--online', '--config', file], env)
  expect(await checked.exit).toBe(1)
  expect(checked.stderr()).toMatch(/^\/.*:\d+:\d+ {2}targets\.refused: .* refuses env:BAD; /m)
  expect(checked.stderr()).not.toContain('CANARY')
})

it('doctor exits with 0 where all is well, and prints it for a person', { timeout: 60_000 }, async () => {
  const claude = forThisTest(await startClaude({ apiKeys: ['sk-ant-good'] }))
  const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'env:GOOD' }] }
  const file = configFile({
    server: { port: 0 },
    targets: { claude: target },
    routes: [{ models: '*', target: 'claude' }],
  })
  const run = spillway(['doctor', '--config', file], { GOOD: 'sk-ant-good' })
  expect(await run.exit).toBe(0)
  expect(run.stdout()).toMatch(/^ok +claude\/1 +http:\S+ answers 200 in \d+ ms; it takes env:GOOD$/m)
  expect(run.stdout()).toMatch(/^0 wrong, 0 doubtful, \d+ well$/m)
})

it('doctor names a key that the vault has not once, with the command that adds it', {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder()
  const vault = { file: 'my.age', keyFile: 'my.key' }
  const target = { api: 'openai', endpoints: [{ url: 'http://127.0.0.1:1', credential: 'vault:nobody' }] }
  writeFileSync(
    join(folder, 'spillway.yaml'),
    stringify(configOf(target, undefined, { vault, server: { port: 0 } })),
  )
  const before = spillway(['doctor'], {}, folder)
  expect(await before.exit).toBe(1)
  expect(before.stdout()).toMatch(
    /^ERROR +vault +.*there is no vault at .*\n +-> see "spillway vault doctor"$/m,
  )
  await spillway(['vault', 'init', '--vault', 'my.age', '--key-file', 'my.key'], {}, folder).exit
  const after = spillway(['doctor'], {}, folder)
  expect(await after.exit).toBe(1)
  expect(after.stdout().match(/nobody/g)).toHaveLength(3)
  expect(after.stdout()).toMatch(
    /^ERROR +claude\/1 +vault:nobody: .* -> add the key: spillway keys add nobody --vault my\.age --key-file my\.key$/ms,
  )
})

const redis = hasRedis()
it.runIf(process.env.CI)('Redis is installed', () => expect(redis).toBe(true))

it.skipIf(!redis)(
  'doctor knows a Redis and a PostgreSQL that are up, and a Redis that does not answer',
  {
    timeout: 60_000,
  },
  async () => {
    const store = await startRedis()
    onTestFinished(() => store.close())
    const postgres = await privatePostgres()
    if (postgres !== undefined) onTestFinished(() => postgres.close())
    const claude = forThisTest(await startClaude())
    const file = configFile(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        server: { port: 0 },
        state: { redis: store.url },
        ...(postgres && { storage: { url: postgres.url } }),
      }),
    )
    const look = async (): Promise<string> => {
      const run = spillway(['doctor', '--config', file])
      await run.exit
      return run.stdout()
    }
    const up = await look()
    expect(up).toMatch(/^ok +redis +it answers$/m)
    if (postgres !== undefined)
      expect(up).toMatch(/^ok +database +PostgreSQL answers; the gateway will make its tables$/m)
    expect(up).toMatch(/^0 wrong/m)
    if (postgres !== undefined) {
      const ledger = openLedgerStore(postgres.url)
      await ledger.audit.append([])
      await ledger.audit.head()
      await ledger.close()
      expect(await look()).toMatch(/^ok +database +PostgreSQL answers$/m)
    }
    store.pause()
    const still = await look()
    store.resume()
    expect(still).toMatch(
      /^ERROR +redis +no answer \(nothing for 3 s\)\n +-> start it, or mend state\.redis/m,
    )
  },
)
