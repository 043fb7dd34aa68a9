import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ageFile, openVault } from '@spillway/key-vault'
import { startClaude, startOllama } from '@spillway/testing'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { ConfigError, parseConfig } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const key = 'sk-ant-api03-of-a-mounted-secret'
const variable = 'SPILLWAY_TEST_MOUNTED'

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
  onTestFinished(() => void vi.unstubAllEnvs())
})

const targetAt = (url: string, credential = `env:${variable}`): object => ({
  api: 'anthropic',
  endpoints: [{ url, credential }],
})

interface Ran {
  readonly code: number | null
  readonly text: string
}

/** Runs `spillway …` in the folder; `until` ends one that would not end by itself. */
async function spillway(
  args: readonly string[],
  { input = '', env = {}, until }: { input?: string; env?: NodeJS.ProcessEnv; until?: RegExp } = {},
): Promise<Ran> {
  const cli = new URL('../src/cli.ts', import.meta.url).href
  const source = `import { run } from ${JSON.stringify(cli)}; await run(['node', 'spillway', ...process.argv.slice(1)])`
  const flags = ['--conditions=@spillway/source', '--input-type=module', '-e', source, '--']
  const child = spawn(process.execPath, [...flags, ...args], {
    cwd: folder,
    env: { ...process.env, SPILLWAY_ENV: 'test', XDG_STATE_HOME: join(folder, 'state'), ...env },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk
      if (until?.test(text)) child.kill('SIGTERM')
    })
  }
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text }
}

describe('a key in an environment variable', () => {
  it.each(['\n', '\r\n', ' \n\n', '\t'])('serves with %j behind it, as mounted secrets have', async (end) => {
    vi.stubEnv(variable, `\ufeff${key}${end}`)
    const claude = forThisTest(await startClaude({ apiKeys: [key] }))
    const gateway = await gatewayOf(configOf(targetAt(claude.url)))
    const { status } = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(status).toBe(200)
    expect(claude.requests[0]?.headers['x-api-key']).toBe(key)
  })

  it.each([
    ['two lines', `${key}\n${key}`, 'contains a line break'],
    ['a scheme', `Bearer ${key}`, 'contains white space'],
    ['an escape sequence', `${key}\u001b[0m`, 'contains a control character'],
    ['a dash of a word processor', key.replace('-', '–'), 'contains a non-ASCII character'],
    ['quotes', `"${key}"`, 'is in quotes'],
  ])(
    'that holds %s is an error of the configuration, by its place and not by its value',
    async (_, value, problem) => {
      vi.stubEnv(variable, value)
      const text = stringify(configOf(targetAt('http://127.0.0.1:1')))
      const parse = (): unknown => parseConfig(text, 'spillway.yaml')
      expect(parse).toThrow(ConfigError)
      expect(parse).toThrow(`targets.claude.endpoints[0].credential: env:${variable} ${problem}`)
      expect(parse).not.toThrow('of-a-mounted-secret')
    },
  )

  it('is told of by check and by start, which does not start', { timeout: 60_000 }, async () => {
    writeFileSync(join(folder, 'spillway.yaml'), stringify(configOf(targetAt('http://127.0.0.1:1'))))
    const env = { [variable]: `${key}\n${key}` }
    for (const command of ['check', 'start']) {
      const { code, text } = await spillway([command, '--config', 'spillway.yaml'], { env })
      expect(code).toBe(1)
      expect(text).toMatch(
        /spillway\.yaml:\d+:\d+ {2}targets\.claude\.endpoints\[0]\.credential: env:SPILLWAY_TEST_MOUNTED contains a line break/,
      )
      expect(text).not.toContain('of-a-mounted-secret')
    }
  })

  it.each(['missing', 'empty'])(
    'that is %s is a warning of check and of start',
    { timeout: 60_000 },
    async (how) => {
      writeFileSync(
        join(folder, 'spillway.yaml'),
        stringify(configOf(targetAt('http://127.0.0.1:1'), undefined, { server: { port: 0 } })),
      )
      const env = { [variable]: how === 'missing' ? undefined : ' \n' }
      const warning =
        /warning: spillway\.yaml:\d+:\d+ {2}targets\.claude\.endpoints\[0]\.credential: .*SPILLWAY_TEST_MOUNTED is not set/
      const checked = await spillway(['check', '--config', 'spillway.yaml'], { env })
      expect(checked.code).toBe(0)
      expect(checked.text).toMatch(warning)
      const started = await spillway(['start', '--config', 'spillway.yaml'], { env, until: /listening on/ })
      expect(started.text).toMatch(warning)
    },
  )

  it.each([undefined, '', ' \n'])(
    'that holds %j fails calls as authentication, and lets a fallback answer',
    async (value) => {
      vi.stubEnv(variable, value)
      const claude = forThisTest(await startClaude())
      const local = forThisTest(await startOllama())
      const second = { api: 'ollama', endpoints: [{ url: local.url }], model: 'llama3.2' }
      const saved = await gatewayOf(configOf(targetAt(claude.url), second))
      const answer = await send(`${saved.url}/v1/messages`, { body: messages() })
      expect(answer.status).toBe(200)
      expect(answer.headers).toMatchObject({
        'x-spillway-served-by': 'local',
        'x-spillway-fallback': 'authentication',
      })
      const alone = await gatewayOf(configOf(targetAt(claude.url)))
      const refused = await send(`${alone.url}/v1/messages`, { body: messages() })
      expect(refused.status).toBe(401)
      expect(JSON.parse(refused.text)).toMatchObject({
        error: { type: 'authentication_error', message: `the credential env:${variable} is not set` },
      })
      expect(claude.requests).toEqual([])
    },
  )
})

describe('a key that is given to the command line', () => {
  it('is stored without what came with it', { timeout: 60_000 }, async () => {
    await using claude = await startClaude({ apiKeys: [key, `${key}2`] })
    await spillway(['vault', 'init'])
    const added = await spillway(['keys', 'add', 'claude'], { input: `\ufeff ${key} \r\n\n` })
    const rotated = await spillway(['keys', 'rotate', 'claude', '--url', claude.url], {
      input: `${key}2\n\n`,
    })
    const linked = await spillway(['link', 'other', '--url', claude.url], { input: `${key}\n\n` })
    expect([added.code, rotated.code, linked.code]).toEqual([0, 0, 0])
    const vault = openVault({
      driver: ageFile({ path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }),
      environment: 'test',
    })
    expect((await vault.get('claude')).expose()).toBe(`${key}2`)
    expect((await vault.get('other')).expose()).toBe(key)
    await vault.close()
  })

  it('is refused by what is wrong with it before anything is asked or stored', {
    timeout: 60_000,
  }, async () => {
    await using claude = await startClaude()
    await spillway(['vault', 'init'])
    const before = readFileSync(join(folder, 'vault.age'))
    for (const args of [
      ['keys', 'add', 'claude'],
      ['keys', 'rotate', 'claude', '--url', claude.url],
      ['link', 'claude', '--url', claude.url],
    ]) {
      const { code, text } = await spillway(args, { input: `${key}\n${key}\n` })
      expect(code).toBe(1)
      expect(text).toContain('contains a line break')
      expect(text).not.toContain('of-a-mounted-secret')
    }
    expect(claude.requests).toEqual([])
    expect(readFileSync(join(folder, 'vault.age')).equals(before)).toBe(true)
  })
})
