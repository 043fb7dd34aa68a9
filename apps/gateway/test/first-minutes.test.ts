import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'
import { configFile, plainEnvironment, program, type Run, ready, spillway, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

/** A folder with a configuration of the usual name. */
function folderWith(config: object): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'spillway.yaml'), stringify(config))
  return folder
}

describe('a file of the usual name in the folder', { timeout: 40_000 }, () => {
  const limits = { rateLimit: { requestsPerMinute: 600, concurrency: 50 } }

  it('is what start uses and names, with what it sets up, where none is named', async () => {
    const claude = forThisTest(await startClaude())
    const folder = folderWith(configOf(targetAt(claude, 'anthropic', limits)))
    const run = spillway(['start', '--port', '0'], {}, folder)
    await until(() => ready.test(run.stdout()) || run.child.exitCode !== null)
    const text = run.stderr()
    expect(text).toContain('configuration\n  spillway.yaml\n')
    expect(text).toMatch(/^targets\n {2}claude +anthropic +http:\S+ \(env:SPILLWAY_TEST_KEY\)$/m)
    expect(text).toMatch(/^routes\n {2}\* +claude$/m)
    expect(text).toMatch(/^limits\n {2}claude +600 requests\/min, 50 at a time$/m)
    expect(text).toMatch(/^storage\n {2}none: /m)
    const { headers } = await send(`${ready.exec(run.stdout())?.[1]}/v1/messages`, { body: messages() })
    expect(headers['x-spillway-served-by']).toBe('claude')
  })

  it('is what check uses, with where the dashboard will be', async () => {
    const target = { api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }], ...limits }
    const { exit, stdout } = spillway(['check'], {}, folderWith(configOf(target)))
    expect(await exit).toBe(0)
    expect(stdout()).toMatch(/^dashboard\n {2}http:\/\/127\.0\.0\.1:8787\/\nspillway\.yaml is valid$/m)
  })

  it('is asked for by check where there is none', async () => {
    const { exit, stderr } = spillway(['check'], {}, temporaryFolder())
    expect(await exit).toBe(1)
    expect(stderr()).toMatch(/^there is no spillway\.yaml in this folder: .*--config.*spillway init/)
  })
})

describe('a key of the vault that is not there', { timeout: 40_000 }, () => {
  const target = { api: 'openai', endpoints: [{ url: 'http://127.0.0.1:1', credential: 'vault:nobody' }] }
  const vault = { file: 'vault.age', keyFile: 'vault.key' }
  const ended = async (run: Run): Promise<[unknown, string]> => [await run.exit, run.stderr()]

  it('is a warning of check and of start, said once with its line, and a problem with --strict', async () => {
    const folder = folderWith(configOf(target, undefined, { vault }))
    await spillway(['vault', 'init'], {}, folder).exit
    const expected =
      /^.*warning: spillway\.yaml:\d+:\d+ {2}targets\.claude\.endpoints\[0\]\.credential: the vault has no .*"nobody".*spillway keys add nobody/gm
    const [code, said] = await ended(spillway(['check'], {}, folder))
    expect([code, said.match(expected)?.length]).toEqual([0, 1])
    const [strict] = await ended(spillway(['check', '--strict'], {}, folder))
    const json = spillway(['check', '--json'], {}, folder)
    expect([strict, await json.exit]).toEqual([1, 0])
    expect(JSON.parse(json.stdout())).toMatchObject({ valid: true, warnings: [{ line: expect.any(Number) }] })
    const started = spillway(['start', '--port', '0'], {}, folder)
    await until(() => ready.test(started.stdout()) || started.child.exitCode !== null)
    expect(started.stderr().match(/nobody"/g)).toHaveLength(1)
    expect(started.stderr()).toMatch(expected)
  })

  it.each<[string, object, RegExp]>([
    [
      'a vault that is not there',
      {},
      /the vault cannot be opened: there is no vault at .*spillway vault init/,
    ],
    [
      'a key of the audit log that is not there',
      { storage: { url: 'sqlite:a.db', auditKey: 'env:NO_AUDIT_KEY_OF_TEST' } },
      /storage\.auditKey: env:NO_AUDIT_KEY_OF_TEST .*does not start/,
    ],
    [
      'a key of fingerprints that is not there',
      { server: { fingerprintKey: 'vault:prints' } },
      /server\.fingerprintKey: the vault has no active key "prints"/,
    ],
  ])('stops check as it stops start: %s', async (what, more, expected) => {
    const folder = folderWith(configOf(target, undefined, { vault, ...more }))
    if (!what.startsWith('a vault')) await spillway(['vault', 'init'], {}, folder).exit
    const [check, start] = [spillway(['check'], {}, folder), spillway(['start', '--port', '0'], {}, folder)]
    const [code, said] = await ended(check)
    expect([code, said]).toEqual([1, expect.stringMatching(expected)])
    expect(await start.exit).toBe(1)
  })

  it('does not stop either where the vault is not required', async () => {
    const config = configOf(target, undefined, { vault: { ...vault, required: false } })
    const [code, said] = await ended(spillway(['check'], {}, folderWith(config)))
    expect([code, said]).toEqual([0, expect.stringMatching(/^warning: .*the vault cannot be opened/m)])
  })
})

describe('the program itself', { timeout: 40_000 }, () => {
  it('says in one sentence that Node.js is too old', () => {
    const old = "data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.20.2' })"
    const run = spawnSync(process.execPath, ['--import', old, program, 'start'], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect([run.status, run.stdout]).toEqual([1, ''])
    expect(run.stderr).toMatch(/^spillway needs Node\.js 22\.19 or newer, and this is 20\.20\.2 \(.*\)\.\n$/)
  })

  const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
    const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    return status === 0 && Number(/^v(\d+)/.exec(stdout)?.[1]) < 22
  })
  it.skipIf(oldNode === undefined).each(['--help', '--version', 'start'])(
    'says so to a real one that is too old: %s',
    (args) => {
      const run = spawnSync(oldNode as string, [program, args], { encoding: 'utf8', timeout: 20_000 })
      expect([run.status, run.stdout]).toEqual([1, ''])
      expect(run.stderr.trim().split('\n')).toEqual([expect.stringContaining('spillway needs Node.js')])
    },
  )

  it('tells its version in hardly more time than Node.js needs to start', () => {
    const fastest = (args: readonly string[]): number =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const from = performance.now()
          spawnSync(process.execPath, args, { env: plainEnvironment() })
          return performance.now() - from
        }),
      )
    expect(fastest([program, '--version']) / fastest(['-e', '0'])).toBeLessThan(2)
  })

  // `script` of util-linux gives a program a terminal.
  const noTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).status !== 0
  it.skipIf(noTerminal).each([
    ['link claude', '(not shown): ', 'Ctrl-C', '\u0003'],
    ['link claude', '(not shown): ', 'Ctrl-D', '\u0004'],
    ['init', '[anthropic]: ', 'Ctrl-C', '\u0003'],
    ['init', '[anthropic]: ', 'Ctrl-D', '\u0004'],
  ])('leaves a prompt without a word, and no file: %s at %s %s', async (asked, prompt, _, pressed) => {
    const { spawn } = await import('node:child_process')
    const cwd = temporaryFolder()
    const child = spawn('script', ['-qefc', `${process.execPath} ${program} ${asked}`, '/dev/null'], {
      ...{ cwd, env: plainEnvironment() },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      shown += piece
    })
    await until(() => shown.includes(prompt))
    child.stdin.write(pressed)
    const code = await new Promise((resolve) => child.on('close', resolve))
    const text = stripVTControlCharacters(shown).trim()
    expect([code, text.split('\n').length, readdirSync(cwd)]).toEqual([130, 1, []])
    expect(text).toContain(prompt.trim())
  })

  it.each([['--help'], ['check --config CONFIG']])('does not mind a reader that leaves: %s', async (args) => {
    const file = configFile(configOf({ api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }))
    const command = `${process.execPath} ${program} ${args.replace('CONFIG', file)}`
    // The reader has gone before anything is written.
    const run = spawnSync('sh', ['-c', `{ sleep 0.5; ${command}; echo $? >&2; } | true`], {
      encoding: 'utf8',
      env: plainEnvironment(),
    })
    expect(run.stderr.trim()).toBe('0')
  })

  it('does not mind a reader of the audit log that leaves', () => {
    const command = `${process.execPath} ${program}`
    const shell = `
      ${command} vault init && echo sk-ant-one | ${command} keys add one >/dev/null
      { sleep 0.5; ${command} audit export --storage sqlite:audit.db; echo $? >&2; } | true`
    const run = spawnSync('sh', ['-c', shell], {
      ...{ cwd: temporaryFolder(), encoding: 'utf8', timeout: 20_000 },
      env: { ...plainEnvironment(), SPILLWAY_STORAGE: 'sqlite:audit.db' },
    })
    expect(run.stderr.trim()).toBe('0')
  })
})
