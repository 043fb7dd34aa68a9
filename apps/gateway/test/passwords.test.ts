import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { questions } from '@spillway/gateway-api'
import { hasRedis, startClaude, startRedis } from '@spillway/testing'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { ConfigError, parseConfig, startGateway } from '../src/index.ts'
import { configOf, forThisTest, ownKey, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

/** A password, with what has to be escaped in a URL. */
const password = 'pw+CANARY/7f3d'
const escaped = encodeURIComponent(password)

const leaksIn = (text: string): string[] => text.match(/.{0,30}CANARY.{0,30}/g) ?? []

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

/** A port on which nothing listens. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

interface Ran {
  readonly code: number | null
  /** Standard output and standard error. */
  readonly text: string
}

/** Runs `spillway …` in the folder; `meanwhile` is called with the address once it listens, then it is stopped. */
async function spillway(
  args: readonly string[],
  { input = '', meanwhile }: { input?: string; meanwhile?: (url: string) => Promise<void> } = {},
): Promise<Ran> {
  const cli = new URL('../src/cli.ts', import.meta.url).href
  const source = `import { run } from ${JSON.stringify(cli)}; await run(['node', 'spillway', ...process.argv.slice(1)])`
  const flags = ['--conditions=@spillway/source', '--input-type=module', '-e', source, '--']
  const env = { ...process.env, SPILLWAY_ENV: 'test', XDG_STATE_HOME: join(folder, 'state') }
  const child = spawn(process.execPath, [...flags, ...args], { cwd: folder, env })
  let text = ''
  let isUp = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk
      const url = /listening on (\S+)/.exec(text)?.[1]
      if (url === undefined || isUp || meanwhile === undefined) return
      isUp = true
      meanwhile(url).finally(() => child.kill('SIGTERM'))
    })
  }
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text }
}

function configured(config: object): string {
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, stringify(config))
  return 'spillway.yaml'
}

const targetAt = (url: string): object => ({
  api: 'anthropic',
  endpoints: [{ url, credential: ownKey.reference }],
})

describe('a password in the URL of an endpoint', () => {
  const urls = [
    `http://user:${escaped}@127.0.0.1:1`,
    `http://:${escaped}@127.0.0.1:1/v1`,
    `http://${escaped}@127.0.0.1:1`,
    `http://127.0.0.1:1/v1?key=${escaped}`,
    `http://127.0.0.1:1/v1#${escaped}`,
    `http://user:${password}@127.0.0.1:1`,
    `ftp://user:${escaped}@127.0.0.1`,
  ]

  it.each(urls)('is an error that does not repeat it: %#', (url) => {
    const text = stringify(configOf(targetAt(url)))
    try {
      parseConfig(text, 'spillway.yaml')
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      expect((error as Error).message).toMatch(/targets\.claude\.endpoints\[0]\.url: /)
      expect(leaksIn(inspect(error, { depth: 20, showHidden: true }))).toEqual([])
    }
  })

  it('is told of by check and start as what belongs into credential', { timeout: 60_000 }, async () => {
    configured(configOf(targetAt(urls[0] as string)))
    for (const command of ['check', 'start']) {
      const { code, text } = await spillway([command, '--config', 'spillway.yaml'])
      expect(code).toBe(1)
      expect(text).toMatch(/endpoints\[0]\.url: .*use credential: env:NAME/)
      expect(leaksIn(text)).toEqual([])
    }
  })

  it('is shown by no command that is given it', { timeout: 60_000 }, async () => {
    const said = [
      await spillway(['vault', 'init']),
      await spillway(['keys', 'add', 'claude'], { input: 'sk-one\n' }),
      await spillway(['link', 'other', '--url', urls[0] as string], { input: 'sk-one\n' }),
      await spillway(['link', 'other', '--url', urls[3] as string], { input: 'sk-one\n' }),
      await spillway(['keys', 'rotate', 'claude', '--provider', 'anthropic', '--url', urls[0] as string], {
        input: 'sk-two\n',
      }),
    ]
    expect(said.map(({ code }) => code)).toEqual([0, 0, 1, 1, 1])
    expect(leaksIn(said.map(({ text }) => text).join())).toEqual([])
    expect(said[4]?.text).toContain('holds a user, a password or a query')
  })
})

describe('passwords of the database, of Redis and of a collector', () => {
  const storages = (port: number): string[] => [
    `postgres://user:${escaped}@127.0.0.1:${port}/db`,
    `postgres://user:${escaped}@127.0.0.1:${port}/db?sslpassword=${escaped}`,
    `postgresql://user:${password}@127.0.0.1:${port}/db`,
    `postgres://user:${escaped}@[bad/db`,
    `postgres://user:%zz${escaped}@127.0.0.1:${port}/db`,
    `mysql://user:${escaped}@127.0.0.1/db`,
    `env:SPILLWAY_TEST_STORAGE`,
  ]

  it('are shown by check, of a file that is right and of one that is not, nowhere', {
    timeout: 60_000,
  }, async () => {
    const port = await deadPort()
    for (const url of storages(port)) {
      configured(
        configOf(targetAt('http://127.0.0.1:1'), undefined, {
          storage: { url },
          state: { redis: `redis://user:${escaped}@127.0.0.1:${port}/0` },
          telemetry: { otlp: `http://user:${escaped}@127.0.0.1:${port}` },
        }),
      )
      const { text } = await spillway(['check', '--config', 'spillway.yaml'])
      expect(leaksIn(text)).toEqual([])
    }
  })

  it('are shown by the audit commands nowhere', { timeout: 60_000 }, async () => {
    vi.stubEnv('SPILLWAY_TEST_STORAGE', `postgres://user:${escaped}@127.0.0.1:${await deadPort()}/db`)
    onTestFinished(() => void vi.unstubAllEnvs())
    for (const url of storages(await deadPort())) {
      const { code, text } = await spillway(['audit', 'verify', '--storage', url])
      expect(code).toBe(1)
      expect(leaksIn(text)).toEqual([])
    }
  })

  it('are shown by a gateway whose neighbours are all away nowhere', { timeout: 60_000 }, async () => {
    const claude = forThisTest(await startClaude())
    const port = await deadPort()
    configured(
      configOf(targetAt(claude.url), undefined, {
        server: { port: 0 },
        storage: { url: storages(port)[1], journal: join(folder, 'journal') },
        state: { redis: `redis://user:${escaped}@127.0.0.1:${port}/0` },
        telemetry: { otlp: `http://user:${escaped}@127.0.0.1:${port}` },
        rateLimit: { requestsPerMinute: 100 },
      }),
    )
    const answers: string[] = []
    const { text } = await spillway(['start', '--config', 'spillway.yaml'], {
      async meanwhile(url) {
        answers.push((await send(`${url}/v1/messages`, { body: messages() })).text)
        for (const path of [...Object.keys(questions), '/metrics', '/readyz', '/healthz', '/']) {
          const { headers, text } = await send(`${url}${path}`, { method: 'GET' })
          answers.push(`${inspect(headers)} ${text}`)
        }
      },
    })
    expect(answers.length).toBeGreaterThan(8)
    expect(text).toContain('redis')
    expect(leaksIn([text, ...answers].join('\n'))).toEqual([])
  })

  it.skipIf(!hasRedis() && !process.env.CI)(
    'that Redis refuses are shown nowhere',
    { timeout: 30_000 },
    async () => {
      const redis = forThisTest(await startRedis())
      const admin = new Redis(redis.url)
      await admin.config('SET', 'requirepass', 'another')
      const claude = forThisTest(await startClaude())
      const said: string[] = []
      for (const method of ['log', 'warn', 'error'] as const) {
        const spy = vi
          .spyOn(console, method)
          .mockImplementation((...args) => void said.push(inspect(args, { depth: 9 })))
        onTestFinished(() => spy.mockRestore())
      }
      const state = { redis: `redis://:${escaped}@127.0.0.1:${redis.port}` }
      const { config } = parseConfig(stringify(configOf(targetAt(claude.url), undefined, { state })), 'f')
      const gateway = await startGateway(config, { port: 0, log: (line) => said.push(line) })
      const { status } = await send(`${gateway.url}/v1/messages`, { body: messages() })
      await gateway.close(0)
      await admin.quit()
      expect(status).toBe(200)
      expect(said.join()).toContain('redis')
      expect(leaksIn(said.join('\n'))).toEqual([])
    },
  )
})

describe('a secret anywhere in a configuration that cannot be read', () => {
  const secrets = [
    `http://user:${password}@host/`,
    `redis://:${password}@host`,
    `"${password}`,
    `*${password}`,
    `!${password} x`,
    `%${password}`,
    `&${password} y`,
    `\\${password}`,
  ]
  const marks = [
    '"',
    "'",
    '[',
    ']',
    '{',
    '}',
    ':',
    '- ',
    '*',
    '&',
    '!',
    '%',
    '@',
    '`',
    '\t',
    '\n',
    '#',
    '|',
    '>',
    '? ',
    ', ',
    '\n---\n',
    '<<: ',
    '\\q',
    '',
    ' ',
  ]
  const base = stringify(
    configOf(targetAt('https://api.anthropic.com'), undefined, {
      server: { host: '127.0.0.1' },
      state: { redis: 'redis://127.0.0.1' },
    }),
  )

  it.each([
    ['a key of the file', 'sk-ant-CANARY-1: x\n'],
    ['a key of a target', base.replace('api:', 'sk-ant-CANARY-1: x\n    api:')],
    ['the target of a route', base.replace('target: claude', 'target: sk-ant-CANARY-1')],
    ['the name of a target', base.replace('claude:', 'sk-ant-CANARY-1:')],
    ['an address as a key', base.replace('claude:', `"http://user:${password}@host":`)],
  ])('is not repeated as %s', (_, text) => {
    expect(() => parseConfig(text, 'f')).toThrow(ConfigError)
    expect(() => parseConfig(text, 'f')).not.toThrow('CANARY')
  })

  it('is in no message and in no warning of the process', { timeout: 60_000 }, () => {
    const warned: string[] = []
    const spy = vi
      .spyOn(process, 'emitWarning')
      .mockImplementation((warning) => void warned.push(String(warning)))
    onTestFinished(() => spy.mockRestore())
    const place = fc.nat({ max: base.length })
    fc.assert(
      fc.property(
        place,
        fc.constantFrom(...marks),
        fc.constantFrom(...secrets),
        fc.constantFrom(...marks),
        (at, before, secret, behind) => {
          const text = `${base.slice(0, at)}${before}${secret}${behind}${base.slice(at)}`
          try {
            for (const { key, message } of parseConfig(text, 'f').warnings)
              expect(leaksIn(`${key} ${message}`)).toEqual([])
          } catch (error) {
            if (!(error instanceof ConfigError)) throw error
            expect(leaksIn(error.message)).toEqual([])
          }
        },
      ),
      { numRuns: 4_000 },
    )
    expect(warned.filter((warning) => leaksIn(warning).length > 0)).toEqual([])
  })
})
