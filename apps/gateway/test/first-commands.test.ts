import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { plainEnvironment, program, ready, spillway, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

/** Runs a command to its end, without a terminal. */
async function ran(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const run = spillway(args, env, cwd)
  const code = await run.exit
  return { code, out: run.stdout(), err: run.stderr() }
}

describe('init', { timeout: 60_000 }, () => {
  it.each([
    [['--yes'], 'claude', []],
    [['--provider', 'openrouter', '--key', 'vault:mine', '--local', 'ollama'], 'openrouter', ['local']],
    [['--provider', 'openai', '--key', 'caller', '--storage', 'none', '--port', '9000'], 'openai', []],
  ])('writes a file with comments that check accepts: %j', async (flags, target, fallback) => {
    const folder = temporaryFolder()
    const made = await ran(['init', ...flags], folder)
    expect([made.code, made.err]).toEqual([0, ''])
    expect(made.out).toMatch(/^wrote spillway\.yaml\nnext:\n.*spillway doctor\n {2}spillway start\n$/s)
    const text = readFileSync(join(folder, 'spillway.yaml'), 'utf8')
    expect(text.match(/^ *#/gm)?.length).toBeGreaterThan(8)
    expect(parse(text).routes).toEqual([{ models: '*', target, ...(fallback.length > 0 && { fallback }) }])
    const checked = await ran(['check'], folder)
    const problems = checked.err.replace(/^warning: .*\n/gm, '')
    // What it says to do next makes the vault.
    const noVault = /^spillway\.yaml:\d+:1 {2}vault: .*there is no vault at .*\n1 problem\n$/
    if (flags.includes('vault:mine'))
      expect([checked.code, problems]).toEqual([1, expect.stringMatching(noVault)])
    else expect([checked.code, problems]).toEqual([0, ''])
  })

  it('replaces nothing without --force, and takes a model that is inside the gateway', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'spillway.yaml'), '# mine\n')
    const refused = await ran(['init', '--yes'], folder)
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/already exists: --force replaces it/),
    ])
    expect(readFileSync(join(folder, 'spillway.yaml'), 'utf8')).toBe('# mine\n')
    expect((await ran(['init', '--local', 'some model.gguf', '--force'], folder)).code).toBe(0)
    const { targets } = parse(readFileSync(join(folder, 'spillway.yaml'), 'utf8'))
    expect(targets.local).toEqual({ api: 'embedded', model: 'some model.gguf' })
  })

  it('says which flags there are where nothing can be asked', async () => {
    const folder = temporaryFolder()
    const { code, err } = await ran(['init'], folder)
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/not a terminal.*--yes.*--provider.*--key.*--local/),
    ])
  })

  const noTerminal = spawnSync('script', ['--version']).status !== 0
  it.skipIf(noTerminal)('asks on a terminal', () => {
    const cwd = temporaryFolder()
    const run = spawnSync('script', ['-qefc', `${process.execPath} ${program} init`, '/dev/null'], {
      ...{ cwd, env: plainEnvironment(), encoding: 'utf8', timeout: 20_000 },
      input: 'nobody\nopenrouter\n\nollama\nqwen3\nnone\n',
    })
    expect(run.stdout).toContain('not one of these')
    expect(run.status).toBe(0)
    const { targets, storage } = parse(readFileSync(join(cwd, 'spillway.yaml'), 'utf8'))
    expect(targets.openrouter.endpoints[0].credential).toBe('env:OPENROUTER_API_KEY')
    expect([targets.local.model, storage]).toEqual(['qwen3', undefined])
  })
})

describe('a running gateway', { timeout: 60_000 }, () => {
  it('is found by status, env and code', async () => {
    const claude = forThisTest(await startClaude())
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'spillway.yaml'), stringify(configOf(targetAt(claude, 'anthropic'))))
    const run = spillway(['start', '--port', '0', '--quiet'], {}, folder)
    await until(() => ready.test(run.stdout()) || run.child.exitCode !== null)
    const url = ready.exec(run.stdout())?.[1] ?? ''

    const status = await ran(['status', '--url', url], folder)
    expect(status.code).toBe(0)
    expect(status.out).toMatch(/status: ok.*\n {2}claude\/1 +anthropic +circuit closed\n$/)
    const json = await ran(['status', '--json', '--url', url], folder)
    expect(JSON.parse(json.out)).toMatchObject({
      url,
      ready: { status: 'ok' },
      targets: [{ name: 'claude' }],
    })

    const variables = await ran(['env', '--url', url], folder)
    const shown = spawnSync(
      'sh',
      ['-c', `${variables.out}\necho $ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN`],
      {
        encoding: 'utf8',
      },
    )
    expect(shown.stdout).toBe(`${url} spillway\n`)

    const ofBedrock = await ran(['env', '--url', url, '--venue', 'bedrock', '--json'], folder)
    expect(JSON.parse(ofBedrock.out)).toEqual({
      ANTHROPIC_BEDROCK_BASE_URL: url,
      CLAUDE_CODE_USE_BEDROCK: '1',
      CLAUDE_CODE_SKIP_BEDROCK_AUTH: '1',
    })

    mkdirSync(join(folder, 'bin'))
    const stub =
      '#!/bin/sh\necho "$ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN $ANTHROPIC_API_KEY" "$@"\nexit 3\n'
    writeFileSync(join(folder, 'bin', 'claude'), stub, { mode: 0o755 })
    // Claude Code warns where it finds a key and a token.
    const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, ANTHROPIC_API_KEY: 'sk-ant-api03-own' }
    const code = await ran(['code', '--url', url, '-p', 'hi', '--model', 'x'], folder, env)
    expect(code).toMatchObject({ code: 3, out: `${url} spillway  -p hi --model x\n`, err: '' })
  })

  it('is missed in one sentence where there is none', async () => {
    const folder = temporaryFolder()
    const target = { api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }
    writeFileSync(join(folder, 'spillway.yaml'), stringify(configOf(target)))
    for (const command of ['status', 'code']) {
      const { code, err } = await ran([command, '--url', 'http://127.0.0.1:1'], folder)
      expect([code, err]).toEqual([1, expect.stringMatching(/^no gateway answers at .*spillway start.*\n$/)])
    }
    const nothing = await ran(['env'], temporaryFolder())
    expect([nothing.code, nothing.err]).toEqual([
      1,
      expect.stringMatching(/^there is no spillway\.yaml .*\n$/),
    ])
  })
})

it('completion completes commands, those below them, and options, in a real bash', async () => {
  const { out } = await ran(['completion', 'bash'], temporaryFolder())
  const complete = (...words: string[]): string => {
    const typed = words.map((word) => `'${word}'`).join(' ')
    const script = `${out}\nCOMP_WORDS=(spillway ${typed}); COMP_CWORD=${words.length}; _spillway; echo "\${COMPREPLY[@]}"`
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim()
  }
  expect(complete('do')).toBe('doctor')
  expect(complete('keys', 'ro')).toBe('rotate')
  expect(complete('clients', 'rev')).toBe('revoke')
  expect(complete('check', '--o')).toBe('--online')
  expect((await ran(['completion', 'fish'], temporaryFolder())).out).toMatch(
    /^complete -c spillway .*doctor/m,
  )
})

describe('local install', { timeout: 40_000 }, () => {
  it('fetches the library and the binary of this machine alone, into a folder of its own', async () => {
    const folder = temporaryFolder()
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'npm'), '#!/bin/sh\necho npm got "$@"\nexit 7\n', { mode: 0o755 })
    const env = { XDG_DATA_HOME: join(folder, 'data'), PATH: `${bin}:${process.env.PATH}` }
    const { code, out } = await ran(['local', 'install'], folder, env)
    const [printed = '', given = ''] = out.split('\n')
    expect([code, given]).toEqual([7, printed.replace(/^npm/, 'npm got')])
    expect(printed).toMatch(/--omit=optional .* node-llama-cpp@(\d+\.\d+\.\d+) @node-llama-cpp\/[\w-]+@\1$/)
    expect(printed).toContain(`--prefix ${join(folder, 'data', 'spillway', 'local')} `)
    const only = await ran(['local', 'install', '--print', '--gpu', 'cuda'], folder, env)
    expect([only.code, only.out]).toEqual([0, expect.stringMatching(/-cuda@\d+\.\d+\.\d+\n$/)])
  })
})

it.skipIf(process.geteuid?.() !== 0)(
  'a configuration that another user has put into a folder for everyone is taken where it is named alone',
  async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'spillway.yaml')
    writeFileSync(file, stringify(configOf(targetAt({ url: 'http://127.0.0.1:9' }, 'anthropic'))))
    chownSync(file, 65_534, 65_534)
    chmodSync(folder, 0o1777)
    for (const command of ['start', 'check', 'doctor', 'env', 'status']) {
      const { code, out, err } = await ran([command], folder)
      expect([command, code]).toEqual([command, 1])
      expect(out + err).toContain(
        'it belongs to another user (uid 65534), in a folder that everyone can write',
      )
    }
    expect((await ran(['check', '--config', 'spillway.yaml'], folder)).code).toBe(0)
  },
  60_000,
)
