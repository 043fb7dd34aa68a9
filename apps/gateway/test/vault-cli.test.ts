import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { startClaude, startOpenRouter } from '@spillway/testing'
import { beforeEach, expect, it } from 'vitest'
import { parseConfig } from '../src/config/load-config.ts'
import { temporaryFolder } from './gateway.ts'

const canary = 'sk-ant-CANARY-old'
const next = 'sk-ant-CANARY-new'
let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

/** Runs `spillway …` in the folder, with something on its standard input. */
async function spillway(
  args: readonly string[],
  input = '',
): Promise<{ code: number; out: string; err: string }> {
  const cli = new URL('../src/cli.ts', import.meta.url).href
  const source = `import { run } from ${JSON.stringify(cli)}; await run(['node', 'spillway', ...process.argv.slice(1)])`
  const flags = ['--conditions=@spillway/source', '--input-type=module', '-e', source, '--']
  const env = { ...process.env, SPILLWAY_ENV: 'test' }
  const child = spawn(process.execPath, [...flags, ...args], { cwd: folder, env })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

it('keeps, lists, rotates and exports keys, and shows none but to export', { timeout: 60_000 }, async () => {
  await using claude = await startClaude({ apiKeys: [canary, next] })
  const rotate = ['keys', 'rotate', 'claude', '--url', claude.url]
  const said = [
    await spillway(['vault', 'init']),
    await spillway(['keys', 'add', 'claude'], `${canary}\n`),
    await spillway(rotate, 'sk-ant-CANARY-bad\n'),
    await spillway(rotate, `${next}\n`),
    await spillway(['keys', 'list']),
    await spillway(['vault', 'rekey']),
    await spillway(['vault', 'doctor']),
    await spillway(['vault', 'init']),
    await spillway(['keys', 'promote', 'claude']),
  ]
  expect(said.map(({ code }) => code)).toEqual([0, 0, 1, 0, 0, 0, 0, 1, 1])
  expect(said[2]?.err).toContain('rolled back (refused): the vendor answers 401')
  expect(said[4]?.out).toMatch(/claude {2}v1 +retiring .*\nclaude {2}v2 +revoked .*\nclaude {2}v3 +active /)
  expect(said[7]?.err).toContain('SPILLWAY_VAULT_EXISTS')
  for (const { out, err } of said) expect(out + err).not.toContain('CANARY')
  for (const file of readdirSync(folder))
    expect(readFileSync(join(folder, file), 'latin1')).not.toContain('CANARY')
  expect((await spillway(['keys', 'export', 'claude', '--env', 'ANTHROPIC_API_KEY'])).out).toBe(
    `export ANTHROPIC_API_KEY='${next}'\n`,
  )
})

it('links a key: verifies, stores, and writes the target, or does none of it', {
  timeout: 60_000,
}, async () => {
  await using claude = await startClaude({ apiKeys: [canary] })
  const link = ['link', 'claude', '--credential', '-', '--tier', 'pro', '--url', claude.url]
  const bad = await spillway(link, 'sk-ant-CANARY-bad\n')
  expect(bad).toMatchObject({ code: 1, err: expect.stringContaining('nothing was stored') })
  expect(readdirSync(folder)).toEqual([])
  const good = await spillway(link, `${canary}\n`)
  expect(good).toMatchObject({ code: 0 })
  const text = readFileSync(join(folder, 'spillway.yaml'), 'utf8')
  expect(text).toContain('credential: vault:claude')
  const { config } = parseConfig(text, 'spillway.yaml')
  expect(config.targets.claude?.rateLimit).toMatchObject({ requestsPerMinute: 600, concurrency: 50 })
  expect(config.routes).toEqual([{ models: '*', target: 'claude', fallback: [] }])
  expect((await spillway(['check', '--config', 'spillway.yaml'])).code).toBe(0)
  for (const said of [bad.out, bad.err, good.out, good.err, text]) expect(said).not.toContain('CANARY')
})

it.skipIf(process.platform === 'win32')(
  'leaves links to a vault, a key file and a configuration as they are',
  {
    timeout: 60_000,
  },
  async () => {
    await using claude = await startClaude({ apiKeys: [canary] })
    const names = ['vault.age', 'vault.key', 'spillway.yaml']
    mkdirSync(join(folder, 'dotfiles'), { mode: 0o700 })
    for (const name of names) symlinkSync(join('dotfiles', name), join(folder, name))
    writeFileSync(
      join(folder, 'dotfiles', 'spillway.yaml'),
      `# mine\ntargets: { other: { api: anthropic, endpoints: [{ url: "${claude.url}" }] } }\nroutes: [{ models: "*", target: other }]\n`,
    )
    chmodSync(join(folder, 'dotfiles', 'spillway.yaml'), 0o640)
    const link = ['link', 'claude', '--credential', '-', '--url', claude.url]
    expect(await spillway(link, `${canary}\n`)).toMatchObject({ code: 0, err: '' })
    expect((await spillway(['vault', 'rekey'])).code).toBe(0)
    expect((await spillway(['keys', 'list'])).out).toContain('claude  v1')
    for (const name of names) expect(readlinkSync(join(folder, name))).toBe(join('dotfiles', name))
    expect(readdirSync(folder).sort()).toEqual(['dotfiles', ...names].sort())
    const text = readFileSync(join(folder, 'dotfiles', 'spillway.yaml'), 'utf8')
    expect(text).toMatch(/^# mine\n.*vault:claude/s)
    expect(statSync(join(folder, 'dotfiles', 'spillway.yaml')).mode & 0o777).toBe(0o640)
  },
)

it.skipIf(process.platform === 'win32')(
  'refuses a vault where anyone can replace it, and says what to do',
  {
    timeout: 60_000,
  },
  async () => {
    expect((await spillway(['vault', 'init'])).code).toBe(0)
    chmodSync(folder, 0o777)
    for (const command of [
      ['keys', 'list'],
      ['keys', 'add', 'claude'],
      ['vault', 'rekey'],
      ['vault', 'doctor'],
    ]) {
      const { code, out, err } = await spillway(command, `${canary}\n`)
      expect([code, out + err]).toEqual([1, expect.stringContaining('SPILLWAY_VAULT_INSECURE_FILE')])
      expect(out + err).toContain(`run chmod go-w ${folder}`)
    }
  },
)

it.each([
  ['keys', 'add', 'claude', canary],
  ['keys', 'add', canary],
  ['keys', 'rotate', 'claude', `--url=${canary}`],
  ['link', 'claude', '--credential', 'whatever-CANARY'],
])('refuses a key on the command line, without repeating it: %s %s …', async (...args) => {
  const { code, out, err } = await spillway(args)
  expect(code).toBe(1)
  expect(err).toContain('do not pass a key on the command line')
  expect(out + err).not.toContain('CANARY')
})

it.each([['keys'], ['vault'], ['link', '--credential=-'], ['keys', 'rotate'], ['vault', 'rekey']])(
  'helps with %s %s',
  async (...args) => {
    const { code, out } = await spillway([...args, '--help'])
    expect(code).toBe(0)
    expect(out).toContain('Usage: spillway')
  },
)

it('verifies keys where the configuration says, and has a second one as fallback', {
  timeout: 60_000,
}, async () => {
  await using claude = await startClaude({ apiKeys: [canary] })
  await using router = await startOpenRouter({ apiKeys: ['sk-or-v1-CANARY-1', 'sk-or-v1-CANARY-2'] })
  await spillway(['link', 'claude', '--url', claude.url], `${canary}\n`)
  const second = await spillway(
    ['link', 'router', '--url', router.url, '--model', 'anthropic/claude-sonnet-5.5'],
    'sk-or-v1-CANARY-1\n',
  )
  expect(second).toMatchObject({ code: 0, err: '' })
  expect(second.out).toContain('spillway.yaml uses it: * -> claude -> router')
  const read = () => parseConfig(readFileSync(join(folder, 'spillway.yaml'), 'utf8'), 'spillway.yaml').config
  expect(read().routes).toEqual([{ models: '*', target: 'claude', fallback: ['router'] }])
  expect(read().targets.router).toMatchObject({ api: 'openrouter', model: 'anthropic/claude-sonnet-5.5' })
  // Neither says where: the configuration does.
  const rotated = await spillway(['keys', 'rotate', 'router'], 'sk-or-v1-CANARY-2\n')
  expect(rotated.out).toContain(`router v2 is active, verified at ${router.url}`)
  const again = await spillway(['link', 'router'], 'sk-or-v1-CANARY-bad\n')
  expect(again.err).toContain(`nothing was stored: the vendor answers 401 at ${router.url}`)
  expect(claude.requests.map(({ headers }) => headers['x-api-key'])).toEqual([canary])
  // The model that the file has for the target stays.
  await spillway(['link', 'router', '--route', 'gpt-*'], 'sk-or-v1-CANARY-2\n')
  expect(read().routes[0]).toEqual({ models: 'gpt-*', target: 'router', fallback: [] })
  expect(read().targets.router?.model).toBe('anthropic/claude-sonnet-5.5')
})

it('shows a key to no vendor where nothing says whose it is', { timeout: 60_000 }, async () => {
  await spillway(['vault', 'init'])
  for (const command of [
    ['link', 'mine'],
    ['keys', 'rotate', 'mine'],
  ]) {
    const { code, err } = await spillway(command, 'CANARY-of-nobody\n')
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/whose key "mine" is, nothing says: give --provider/),
    ])
  }
})
