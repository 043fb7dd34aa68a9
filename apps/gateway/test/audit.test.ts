import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import type { Audit } from '@spillway/gateway-api'
import { openLedgerStore } from '@spillway/ledger'
import { startClaude } from '@spillway/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig, startGateway } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const bin = join(import.meta.dirname, '../src/cli.ts')

/** Runs the command line from its sources. */
async function spillway(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return spillwayWith({}, ...words)
}

async function spillwayWith(
  env: Record<string, string>,
  ...words: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = `import(${JSON.stringify(bin)}).then(({ run }) => run(process.argv))`
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@spillway/source', '-e', main, 'spillway', ...words],
      { env: { ...process.env, ...env } },
    )
    return { code: 0, stdout, stderr }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string }
  }
}

it('calls, starts and stops are in a log that is verified, exported and searched, without any key', async () => {
  const claude = forThisTest(await startClaude())
  const url = `sqlite:${join(temporaryFolder(), 'ledger.db')}`
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url } }))
  claude.next({ type: 'status', status: 400 })
  const headers = { 'x-api-key': 'sk-of-a-caller' }
  await send(`${gateway.url}/v1/messages`, { body: messages(), headers })
  await vi.waitFor(async () => {
    const { text } = await send(`${gateway.url}/api/audit?query=invalid_request`, { method: 'GET' })
    const { entries } = JSON.parse(text) as Audit
    expect(entries).toMatchObject([
      {
        action: 'call',
        actor: expect.stringMatching(/^key-[\w-]{22}$/),
        details: { from: '127.0.0.1', outcome: 'invalid_request', keys: [ownKey.reference] },
      },
    ])
  }, 10_000)
  await gateway.close(0)

  const exported = await spillway('audit', 'export', '--storage', url)
  const actions = exported.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { entry: { action: string } }).entry.action)
  expect(actions).toEqual(['gateway.started', 'call', 'gateway.stopped'])
  expect(exported.stdout).not.toContain('sk-of-a-caller')
  expect(exported.stdout).not.toContain(ownKey.value)

  const whole = await spillway('audit', 'verify', '--storage', url)
  expect([whole.code, whole.stdout]).toEqual([
    0,
    expect.stringMatching(/^3 rows, whole\nhead 3:[0-9a-f]{64}\n$/),
  ])
  const head = whole.stdout.trim().split(' ').at(-1) as string
  const database = new DatabaseSync(url.slice('sqlite:'.length))
  database.exec("update audit set entry = replace(entry, 'invalid_request', 'ok') where seq = 2")
  database.close()
  const altered = await spillway('audit', 'verify', '--storage', url, '--head', head)
  expect([altered.code, altered.stdout]).toEqual([1, expect.stringContaining('row 2: altered')])
}, 60_000)

it('the command line says what it needs', async () => {
  const { code, stderr } = await spillway('audit', 'verify')
  expect([code, stderr]).toEqual([1, expect.stringContaining('or say where the log is with --storage')])
  const help = await spillway('audit', 'verify', '--help')
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--head <seq:hash>')])
}, 60_000)

const auditKey = { SPILLWAY_TEST_AUDIT_KEY: 'a-key-of-the-audit-log-that-nobody-else-has' }

/** A gateway that has booked some calls, and has stopped. */
async function bookedLog(storage: object, calls = 3): Promise<void> {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { storage }))
  for (let n = 0; n < calls; n++) await send(`${gateway.url}/v1/messages`, { body: messages() })
  await gateway.close(0)
}

/**
 * What somebody does who can write to the database and has no key: the history is deleted, and one entry says so just as the
 * log itself would, with right hashes.
 */
function deleteHistory(file: string): void {
  const database = new DatabaseSync(file)
  const { seq, hash } = database.prepare('select seq, hash from audit order by seq desc limit 1').get() as {
    seq: number
    hash: string
  }
  const id = crypto.randomUUID()
  const at = Date.now()
  const details = {
    before: at - 1000,
    fromHash: '0'.repeat(64),
    fromSeq: 0,
    hash,
    reason: 'retention',
    seq,
  }
  const entry = JSON.stringify({ action: 'audit.pruned', actor: 'retention', at, details, id })
  const covered = JSON.stringify(['spillway-audit/2', seq + 1, id, at, null, hash, entry])
  const next = createHash('sha256').update(covered).digest('hex')
  database.exec("delete from audit; delete from audit_marks where name <> 'head'")
  database
    .prepare('insert into audit (seq, id, at, version, entry, prev, hash) values (?, ?, ?, 2, ?, ?, ?)')
    .run(seq + 1, id, at, entry, hash, next)
  database.prepare("insert into audit_marks (name, seq, hash) values ('anchor', ?, ?)").run(seq, hash)
  database
    .prepare("update audit_marks set seq = ?, hash = ?, key_id = null, mac = null where name = 'head'")
    .run(seq + 1, next)
  database.close()
}

const headIn = (stdout: string): string => /^head (\S+)$/m.exec(stdout)?.[1] ?? ''

it('a history that was deleted is found by a row that was noted, whatever the log says itself', async () => {
  const file = join(temporaryFolder(), 'ledger.db')
  await bookedLog({ url: `sqlite:${file}` })
  const noted = headIn((await spillway('audit', 'verify', '--storage', `sqlite:${file}`)).stdout)
  deleteHistory(file)
  const found = await spillway('audit', 'verify', '--storage', `sqlite:${file}`, '--head', noted)
  expect([found.code, found.stdout]).toEqual([
    1,
    expect.stringMatching(/^row 5: removed: .*\nrows up to 5 were/),
  ])
  expect(found.stdout).toContain('anyone who can write to the database can say so too')
  expect(found.stdout).toContain('pass --accept-pruned once')
  const accepted = await spillway(
    'audit',
    'verify',
    '--storage',
    `sqlite:${file}`,
    '--head',
    noted,
    '--accept-pruned',
  )
  expect([accepted.code, accepted.stdout]).toEqual([
    0,
    expect.stringContaining('which --accept-pruned takes'),
  ])
}, 120_000)

it('a history that was deleted is found by the key alone, and the gateway does not go on from there', async () => {
  vi.stubEnv('SPILLWAY_TEST_AUDIT_KEY', auditKey.SPILLWAY_TEST_AUDIT_KEY)
  onTestFinished(() => void vi.unstubAllEnvs())
  const folder = temporaryFolder()
  const file = join(folder, 'ledger.db')
  const storage = { url: `sqlite:${file}`, auditKey: 'env:SPILLWAY_TEST_AUDIT_KEY' }
  await bookedLog(storage)
  const config = join(folder, 'spillway.yaml')
  writeFileSync(
    config,
    stringify(
      configOf({ api: 'anthropic', endpoints: [{ url: 'http://localhost' }] }, undefined, { storage }),
    ),
  )
  const whole = await spillway('audit', 'verify', '--config', config)
  expect([whole.code, whole.stdout]).toEqual([
    0,
    expect.stringMatching(
      /^the first row is 1, of \S+\n5 of 5 rows have a MAC of a key that was given\n5 rows, whole\nhead 5:/,
    ),
  ])
  const unchecked = await spillway('audit', 'verify', '--storage', storage.url)
  expect([unchecked.code, unchecked.stdout]).toEqual([
    0,
    expect.stringMatching(/MACs of [0-9a-f]{16} were not checked/),
  ])
  const wrong = await spillwayWith(
    { OTHER: 'another-key-of-some-other-log-than-this-one' },
    ...['audit', 'verify', '--storage', storage.url, '--key', 'env:OTHER'],
  )
  expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringContaining('row 5: unkeyed')])

  deleteHistory(file)
  const found = await spillway('audit', 'verify', '--config', config)
  expect([found.code, found.stdout]).toEqual([1, expect.stringContaining('row 6: unkeyed')])
  // The next gateway would cover it up, if it went on; it says so instead, and keeps its entries.
  const lines: string[] = []
  const gateway = await startGateway(
    parseConfig(
      stringify(configOf(targetAt({ url: 'http://127.0.0.1:9' }, 'anthropic'), undefined, { storage })),
      'x',
    ).config,
    { port: 0, log: (line) => lines.push(line) },
  )
  await vi.waitFor(() => expect(lines.join()).toContain('the audit log takes no entries'), 10_000)
  expect(await (await fetch(`${gateway.url}/readyz`)).json()).toMatchObject({
    ledger: 'ok',
    audit: 'journal',
  })
  await gateway.close(0)
  expect(lines.filter((line) => line.includes('takes no entries'))).toHaveLength(1)
  expect((await spillway('audit', 'verify', '--config', config)).code).toBe(1)
  expect(readdirSync(`${file}.waiting/audit`).length).toBeGreaterThan(0)

  // Whoever knows why goes on, and what was found stays to be seen.
  const signing = ['audit', 'sign', '--config', config, '--head']
  expect(await spillway(...signing, `6:${'0'.repeat(64)}`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not the last one'),
  })
  const head = headIn(found.stdout)
  expect(await spillway(...signing, head)).toMatchObject({ code: 0, stdout: `signed behind row ${head}\n` })
  await bookedLog(storage, 1)
  const after = await spillway('audit', 'verify', '--config', config)
  expect([after.code, after.stdout]).toEqual([0, expect.stringContaining('rows up to 5 were removed on')])
  expect(after.stdout).toContain('anyone who can write to the database can say so too')
}, 240_000)

it('commands that change keys sign what they did, with a key of the vault', async () => {
  const folder = temporaryFolder()
  const vault = ['--vault', join(folder, 'vault.age'), '--key-file', join(folder, 'vault.key')]
  const url = `sqlite:${join(folder, 'ledger.db')}`
  expect((await spillway('vault', 'init', ...vault)).code).toBe(0)
  const add = (env: Record<string, string>, name: string, value: string) =>
    withInput(`${value}\n`, env, 'keys', 'add', name, ...vault)
  expect(await add({}, 'audit', auditKey.SPILLWAY_TEST_AUDIT_KEY)).toMatchObject({ code: 0 })
  const signed = { SPILLWAY_STORAGE: url, SPILLWAY_AUDIT_KEY: 'vault:audit' }
  expect(await add(signed, 'claude', 'sk-x')).toMatchObject({ code: 0, stderr: '' })
  const verified = await spillwayWith(
    auditKey,
    'audit',
    'verify',
    '--storage',
    url,
    '--key',
    'env:SPILLWAY_TEST_AUDIT_KEY',
  )
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('1 of 1 rows have a MAC')])
  // Without the key the log takes nothing.
  expect(await add({ SPILLWAY_STORAGE: url }, 'other', 'sk-y')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('and no key was given'),
  })
  expect(
    await add({ SPILLWAY_STORAGE: url, SPILLWAY_AUDIT_KEY: 'the-key-itself' }, 'third', 'sk-z'),
  ).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/expected env:NAME or vault:NAME, never a key itself\n$/),
  })
}, 150_000)

it.each([
  ['sqlite', 'the file does not exist'],
  ['postgres', /database "typo" does not exist|connect ECONNREFUSED|password|role/],
])(
  'a database that does not exist is an error, and none is made: %s',
  async (kind, why) => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'empty'))
    const url =
      kind === 'sqlite' ? `sqlite:${join(folder, 'empty', 'typo.db')}` : 'postgres://nobody@127.0.0.1:9/typo'
    const config = join(folder, 'spillway.yaml')
    const target = { api: 'anthropic', endpoints: [{ url: 'http://localhost' }] }
    writeFileSync(config, stringify(configOf(target, undefined, { storage: { url } })))
    for (const words of [
      ['verify', '--storage', url],
      ['export', '--storage', url],
      ['verify', '--config', config],
      ['sign', '--storage', url, '--key', 'env:SPILLWAY_TEST_AUDIT_KEY', '--head', `1:${'0'.repeat(64)}`],
    ]) {
      const { code, stdout, stderr } = await spillwayWith(auditKey, 'audit', ...words)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(why)
      if (kind === 'sqlite') expect(stderr).toContain(`there is no ledger to read at ${url}`)
    }
    expect(readdirSync(join(folder, 'empty'))).toEqual([])
  },
  60_000,
)

it('a database of something else is an error, and stays as it is', async () => {
  const file = join(temporaryFolder(), 'other.db')
  const other = new DatabaseSync(file)
  other.exec('create table audit (x)')
  other.close()
  const { code, stderr } = await spillway('audit', 'verify', '--storage', `sqlite:${file}`)
  expect([code, stderr]).toEqual([1, expect.stringContaining('there is no ledger in this database')])
  const again = new DatabaseSync(file)
  expect(again.prepare('select name from sqlite_master').all()).toEqual([{ name: 'audit' }])
  again.close()
  expect(await spillway('audit', 'verify', '--storage', 'sqlite::memory:')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ends with its process'),
  })
}, 120_000)

it('an export ends quietly when nobody reads on', async () => {
  const file = join(temporaryFolder(), 'ledger.db')
  const store = openLedgerStore(`sqlite:${file}`)
  const details = { text: 'x'.repeat(1000) }
  await store.audit.append(
    Array.from({ length: 3000 }, (_, n) => ({ id: `${n}`, at: n, actor: 'a', action: 'call', details })),
  )
  await store.close()
  const main = `import(${JSON.stringify(bin)}).then(({ run }) => run(process.argv))`
  const args = [
    '--conditions=@spillway/source',
    '-e',
    main,
    'spillway',
    'audit',
    'export',
    '--storage',
    `sqlite:${file}`,
  ]
  const child = spawn(process.execPath, args)
  let stderr = ''
  child.stderr.on('data', (piece) => {
    stderr += piece
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const [code] = (await once(child, 'close')) as [number]
  expect([code, stderr]).toEqual([0, ''])
  const whole = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 30 })
  expect(whole.stdout.split('\n')).toHaveLength(3001)
}, 120_000)

/** The same with something on standard input. */
async function withInput(
  input: string,
  env: Record<string, string>,
  ...words: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = `import(${JSON.stringify(bin)}).then(({ run }) => run(process.argv))`
  const child = spawn(process.execPath, ['--conditions=@spillway/source', '-e', main, 'spillway', ...words], {
    env: { ...process.env, ...env },
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (piece) => {
      said[name] += piece
    })
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...said }
}
