import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { ready, spillway, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

it('clients are added, listed, changed, rotated and revoked while the gateway runs', {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder()
  const claude = forThisTest(await startClaude())
  const storage = { url: 'sqlite:books/spillway.db' }
  const config = configOf(targetAt(claude, 'anthropic'), undefined, { server: { auth: 'keys' }, storage })
  writeFileSync(join(folder, 'spillway.yaml'), stringify(config))
  const env = { XDG_STATE_HOME: join(folder, 'state') }
  const ran = async (...args: string[]) => {
    const run = spillway(args, env, folder)
    return { code: await run.exit, out: run.stdout(), err: run.stderr() }
  }
  const first = await ran(
    'clients',
    'add',
    'web',
    '--team',
    'shop',
    '--permissions',
    'claude:code',
    '--expires',
    '90d',
  )
  expect(first).toEqual({
    code: 0,
    out: expect.stringMatching(/^sw-\w{42}\n$/),
    err: expect.stringMatching(/^the key of web \(sw-\w{4}…, \S{12}\) added to .*It is shown this once\n$/),
  })
  const key = first.out.trim()
  const file = join(folder, 'books/spillway-clients.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).not.toContain(key.slice(7))
  expect(existsSync(join(folder, 'state/spillway/fingerprint.key'))).toBe(true)

  const gateway = spillway(['start', '--port', '0'], env, folder)
  await until(() => ready.test(gateway.stdout()) || gateway.child.exitCode !== null)
  const url = ready.exec(gateway.stdout())?.[1] ?? gateway.stderr()
  const status = async (given: string): Promise<number> => {
    const body = { model: 'claude-opus-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hello?' }] }
    const init = { method: 'POST', headers: { 'x-api-key': given }, body: JSON.stringify(body) }
    return (await fetch(`${url}/v1/messages`, init)).status
  }
  expect([await status(key), await status('sw-no'), await status('')]).toEqual([200, 401, 401])

  const link = await ran('dashboard', '--url', url)
  expect([link.code, link.out]).toEqual([0, expect.stringMatching(/^http:.*\/#\/login\?code=sl-[\w.-]+\n$/)])
  const logIn = async (code: string): Promise<string> => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    }
    const response = await fetch(`${url}/api/login`, init)
    return `${response.status} ${((await response.json()) as { operator?: { name: string } }).operator?.name}`
  }
  const code = link.out.trim().split('code=')[1] ?? ''
  expect([await logIn(code), await logIn(code)]).toEqual([
    expect.stringMatching(/^200 admin:\w+$/),
    '401 undefined',
  ])
  const shown = await ran('status', '--url', url)
  expect([shown.code, shown.err]).toEqual([
    0,
    expect.stringContaining('set SPILLWAY_KEY to a key with admin:read'),
  ])
  await ran('clients', 'set', 'web', '--permissions', 'claude:code,admin:read')
  await expect
    .poll(async () => {
      const run = spillway(['status', '--url', url], { ...env, SPILLWAY_KEY: key }, folder)
      await run.exit
      return run.stdout()
    })
    .toMatch(/claude\/1 .*circuit closed/)

  await ran('clients', 'set', 'web', '--permissions', 'claude:code')
  const rotated = await ran('clients', 'rotate', 'web', '--overlap', '1h')
  const next = rotated.out.trim()
  expect([rotated.code, next]).toEqual([0, expect.stringMatching(/^sw-\w{42}$/)])
  await expect.poll(() => status(next), { timeout: 5_000 }).toBe(200)
  expect(await status(key)).toBe(200)
  const changed = await ran(
    'clients',
    'set',
    'web',
    '--models',
    'claude-haiku-*',
    '--max-tokens',
    '100',
    '--json',
  )
  expect(JSON.parse(changed.out)).toMatchObject({
    ...{ name: 'web', state: 'active', team: 'shop', permissions: ['claude:code'], maxTokens: 100 },
    ...{ models: ['claude-haiku-*'], keys: [{ until: null }, { until: expect.stringMatching(/^20/) }] },
  })
  await expect.poll(() => status(next), { timeout: 5_000 }).toBe(403)
  const listed = await ran('clients', 'list')
  expect(listed.out).toMatch(
    /^NAME +STATE +TEAM .*\nweb +active +shop +claude:code +claude-haiku-\* +- +20\d\d-\d\d-\d\d +sw-\w{4}…\n$/,
  )
  expect((await ran('clients', 'revoke', 'web')).code).toBe(0)
  await expect
    .poll(async () => [await status(key), await status(next)], { timeout: 5_000 })
    .toEqual([401, 401])
  expect((await ran('clients', 'show', 'web')).out).toMatch(/^state +revoked$/m)

  gateway.child.kill('SIGTERM')
  await gateway.exit
  const books = new DatabaseSync(join(folder, 'books/spillway.db'))
  const rows = books.prepare('SELECT DISTINCT tenant FROM calls').all()
  books.close()
  expect(rows.map(({ tenant }) => tenant)).toEqual(['web'])
  const everything = [gateway, changed, listed].map((each) =>
    JSON.stringify('out' in each ? each : [each.stdout(), each.stderr()]),
  )
  for (const secret of [key, next]) expect(everything.join()).not.toContain(secret.slice(7))
})

it.each([
  [
    ['add', 'web', '--permissions', 'chat,all'],
    /there is no all; there are messages, chat, tools, claude:code, admin, call:messages, call:count_tokens,/,
  ],
  [['add', 'a b'], /expected a name/],
  [['add', 'key-1'], /reserved/],
  [['add', 'web', '--expires', 'soon'], /expected a length such as 90d/],
  [['rotate', 'web'], /there is no client called web: "spillway clients list"/],
  [['set', 'web'], /nothing to set/],
])('says what is wrong, and prints no key: clients %j', async (args, expected) => {
  const folder = temporaryFolder()
  const run = spillway(['clients', ...args], { XDG_STATE_HOME: join(folder, 'state') }, folder)
  expect([await run.exit, run.stdout(), run.stderr()]).toEqual([1, '', expect.stringMatching(expected)])
})

it('limits are set as they are typed, and shown with what is used and left', {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder()
  const claude = forThisTest(
    await startClaude({ reply: { usage: { inputTokens: 1_000, outputTokens: 500 } } }),
  )
  const config = configOf(targetAt(claude, 'anthropic'), undefined, {
    server: { auth: 'keys' },
    storage: { url: 'sqlite:spillway.db' },
    budgets: { eachClient: ['tokens=1M/day'] },
  })
  writeFileSync(join(folder, 'spillway.yaml'), stringify(config))
  const env = { XDG_STATE_HOME: join(folder, 'state') }
  const ran = async (...args: string[]) => {
    const run = spillway(args, env, folder)
    return { code: await run.exit, out: run.stdout(), err: run.stderr() }
  }
  const limits = ['--limit', 'usd=0.1/month', '--limit', 'requests=9/minute,soft']
  const key = (await ran('clients', 'add', 'alice', '--team', 'search', ...limits)).out.trim()
  const wrong = await ran('clients', 'set', 'alice', '--limit', '0/month')
  expect([wrong.code, wrong.err]).toEqual([
    1,
    expect.stringContaining('expected a limit such as usd=50/month'),
  ])
  const gateway = spillway(['start', '--port', '0'], env, folder)
  await until(() => ready.test(gateway.stdout()) || gateway.child.exitCode !== null)
  const url = ready.exec(gateway.stdout())?.[1] ?? gateway.stderr()
  const body = { model: 'claude-opus-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hello?' }] }
  await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key },
    body: JSON.stringify(body),
  })
  await expect
    .poll(async () => (await ran('clients', 'show', 'alice')).out, { timeout: 10_000 })
    .toMatch(/limit +usd=0\.1\/month: \$0\.0\d+ used, \$0\.0\d+ left, resets 20\d\d-\d\d-01 00:00 UTC\n/)
  const team = await ran(
    'teams',
    'set',
    'search',
    '--limit',
    'usd=100/month',
    '--each-member',
    'usd=20/month',
  )
  expect(team.out).toMatch(
    /^name +search\nclients +alice\nlimit +usd=100\/month: \$0\.0\d+ used, \$99\.9\d left, .*\neach member +usd=20\/month\n$/,
  )
  await ran('clients', 'set', 'alice', '--limit', 'usd=50/month', '--limit', 'requests=none/minute')
  const listed = (await ran('clients', 'list')).out
  expect(listed).toMatch(/ requests=none\/minute, usd=50\/month 0%|usd=50\/month 0%, requests=none\/minute /)
  expect(listed).toContain('each client without its own: tokens=1000000/day')
  const none = await ran('clients', 'set', 'alice', '--limit', 'none', '--json')
  expect(JSON.parse(none.out)).toMatchObject({ name: 'alice', limits: [] })
  expect(JSON.parse((await ran('teams', 'list', '--json')).out)).toMatchObject([
    {
      name: 'search',
      clients: ['alice'],
      limits: [{ unit: 'usd', period: 'month', amount: 100, hard: true }],
    },
  ])
})
