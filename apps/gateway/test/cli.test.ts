import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { configOf, embeddedTarget, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { eventsOf, messages, openSocket, requestText, send } from './raw-client.ts'
import { configFile, ready, spillway, started, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

describe('start', { timeout: 40_000 }, () => {
  it('prints exactly one line when it is ready, and then one for each call', async () => {
    const claude = forThisTest(await startClaude())
    const { url, stdout } = await started(configOf(targetAt(claude, 'anthropic')))
    expect(stdout()).toBe(`listening on ${url}\n`)
    const { status } = await send(`${url}/v1/messages`, { body: messages() })
    expect(status).toBe(200)
    await until(() => stdout().split('\n').length > 2)
    expect(stdout().split('\n')[1]).toMatch(/claude .*ok .* ms {2}1 attempt .*claude-sonnet-5-5/)
  })

  it('prints no line for a call with --quiet', async () => {
    const claude = forThisTest(await startClaude())
    const file = configFile(configOf(targetAt(claude, 'anthropic')))
    const { child, exit, stdout } = spillway(['start', '--config', file, '--port', '0', '--quiet'])
    await until(() => ready.test(stdout()))
    await send(`${ready.exec(stdout())?.[1]}/v1/messages`, { body: messages() })
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(stdout()).toMatch(/^listening on .*\n$/)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('exits with 0 on %s', async (signal) => {
    const claude = forThisTest(await startClaude())
    const { child, exit } = await started(configOf(targetAt(claude, 'anthropic')))
    child.kill(signal)
    expect(await exit).toBe(0)
  })

  it('brings a stream in flight to its end on SIGTERM, and then exits with 0', async () => {
    const claude = forThisTest(await startClaude({ chunks: 20, chunkDelayMs: 100 }))
    const { child, exit, url } = await started(configOf(targetAt(claude, 'anthropic')))
    const arrival = claude.nextRequest()
    const answer = send(`${url}/v1/messages`, { body: messages({ stream: true }) })
    const upstream = await arrival
    await until(() => upstream.sent.length > 1_000)
    child.kill('SIGTERM')
    const { bytes, ended, text } = await answer
    expect(ended).toBe('end')
    expect(eventsOf(text).at(-1)?.name).toBe('message_stop')
    expect(bytes.equals(Buffer.from(upstream.sent))).toBe(true)
    expect(await exit).toBe(0)
  })

  it('takes no new connection while it drains', async () => {
    const claude = forThisTest(await startClaude({ chunks: 20, chunkDelayMs: 100 }))
    const { child, url, stderr } = await started(configOf(targetAt(claude, 'anthropic')))
    const arrival = claude.nextRequest()
    const answer = send(`${url}/v1/messages`, { body: messages({ stream: true }) })
    await arrival
    child.kill('SIGTERM')
    await until(() => stderr().includes('draining'))
    await delay(50)
    await expect(send(`${url}/v1/messages`, { body: messages() })).rejects.toThrow('ECONNREFUSED')
    expect((await answer).ended).toBe('end')
  })

  it('is not kept alive by a connection that its client keeps open', async () => {
    const claude = forThisTest(await startClaude({ chunks: 10, chunkDelayMs: 50 }))
    const { child, exit, url } = await started(configOf(targetAt(claude, 'anthropic')))
    const connection = await openSocket(url, requestText('/v1/messages', messages({ stream: true })))
    await until(() => connection.received().includes('content_block_delta'))
    const signalledAt = performance.now()
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(performance.now() - signalledAt).toBeLessThan(10_000)
    expect(connection.received()).toContain('message_stop')
  })

  it('ends at once on a second signal', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'stall', afterChunks: 2, ms: Infinity, pings: 100 })
    const { child, exit, stderr, url } = await started(configOf(targetAt(claude, 'anthropic')))
    const connection = await openSocket(url, requestText('/v1/messages', messages({ stream: true })))
    await until(() => connection.received().includes('content_block_delta'))
    child.kill('SIGTERM')
    await until(() => stderr().includes('press Ctrl-C again'))
    await delay(200)
    expect(child.exitCode).toBeNull()
    const secondAt = performance.now()
    child.kill('SIGTERM')
    await exit
    expect(performance.now() - secondAt).toBeLessThan(3_000)
  })

  it('says in one line that the port is in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    const file = configFile(configOf({ api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }))
    const { exit, stderr, stdout } = spillway(['start', '--config', file, '--port', String(port)])
    expect(await exit).toBe(1)
    expect(stderr()).toBe(`port ${port} is in use; choose another with --port, or --port 0 for a free one\n`)
    expect(stdout()).toBe('')
  })

  it('says what is wrong with the configuration', async () => {
    const file = configFile('targets: {}\nrouts: []\n')
    const { exit, stderr } = spillway(['start', '--config', file])
    expect(await exit).toBe(1)
    expect(stderr()).toContain(`${file}:2:1  routs: unknown key\n`)
    expect(stderr()).not.toMatch(/^ +at /m)
  })

  it('warns of what is doubtful and starts nevertheless', async () => {
    const target = { api: 'anthropic', endpoints: [{ url: 'http://127.0.0.1:1' }] }
    const { stderr, stdout } = await started(configOf(target))
    expect(stdout()).toMatch(ready)
    expect(stderr()).toMatch(/^warning: .*:\d+:\d+ {2}targets\.claude\.endpoints\[0\]: no credential: .*$/m)
  })
})

// An address of this machine alone, in a spelling that only its resolver knows: whether a gateway listens beyond
// loopback is not found out by trying.
const anyName = '127.1'

describe('listening where other machines may come', { timeout: 40_000 }, () => {
  const target = { api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }
  const refused = /can be reached from other machines.*spends your keys.*server\.exposed: true/

  it.each(['0.0.0.0', '::', anyName])('is refused by start and by check: %s', async (host) => {
    const file = configFile(configOf(target, undefined, { server: { host, port: 0 } }))
    for (const args of [
      ['start', '--config', file],
      ['check', '--config', file],
    ]) {
      const { exit, stderr, stdout } = spillway(args)
      expect(await exit).toBe(1)
      expect(stderr()).toMatch(refused)
      expect(stderr()).toContain(`${file}:`)
      expect(stdout()).toBe('')
    }
  })

  it.each([
    ['a file', true, {}],
    ['a key in the environment', false, { ANTHROPIC_API_KEY: 'sk-secret' }],
    ['the demo', false, {}],
  ])('is refused with --host too: %s', async (_, withFile, env) => {
    const file = withFile ? ['--config', configFile(configOf(target))] : []
    const args = ['start', ...file, '--port', '0', '--host', '0.0.0.0']
    const { exit, stderr, stdout } = spillway(args, env as Record<string, string>)
    expect(await exit).toBe(1)
    expect(stderr()).toMatch(refused)
    expect(stdout()).not.toContain('listening')
  })

  it.each([
    ['server.exposed: true', { server: { host: anyName, exposed: true } }, []],
    ['--exposed', { server: { host: anyName } }, ['--exposed']],
    ['--exposed and --host', {}, ['--exposed', '--host', anyName]],
  ])('is warned of where it is meant, by %s', async (_, more, flags) => {
    const file = configFile(configOf(target, undefined, more))
    const { stderr, stdout } = spillway(['start', '--config', file, '--port', '0', ...flags])
    await until(() => ready.test(stdout()))
    expect(stderr()).toMatch(
      /^[-\d]+ [:\d]+ {2}warning: 127\.1 can be reached from other machines, .*spends your keys/m,
    )
  })

  it('needs nothing where the command line binds to this machine', async () => {
    const file = configFile(configOf(target, undefined, { server: { host: '0.0.0.0' } }))
    const { stderr, stdout } = spillway(['start', '--config', file, '--port', '0', '--host', '127.0.0.1'])
    await until(() => ready.test(stdout()))
    expect(stderr()).not.toContain('can be reached')
  })

  it('is a warning of check where it is meant', async () => {
    const file = configFile(configOf(target, undefined, { server: { host: '0.0.0.0', exposed: true } }))
    const { exit, stderr } = spillway(['check', '--config', file])
    expect(await exit).toBe(0)
    expect(stderr()).toMatch(
      /^warning: .*:\d+:\d+ {2}server\.host: 0\.0\.0\.0 can be reached from other machines/m,
    )
  })
})

it('start with a key and without a configuration shows the one that it uses', {
  timeout: 40_000,
}, async () => {
  const { stderr, stdout } = spillway(['start', '--port', '0'], { ANTHROPIC_API_KEY: 'sk-secret' })
  await until(() => ready.test(stdout()))
  expect(stderr()).toContain('credential: env:ANTHROPIC_API_KEY')
  expect(stderr()).not.toContain('sk-secret')
})

describe('check', () => {
  it('says what a valid file sets up, and exits with 0', async () => {
    const target = { api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:11434' }], model: 'llama3.2' }
    const doubtful = { api: 'openai', endpoints: [{ url: 'http://127.0.0.1:8080' }] }
    const file = configFile(configOf(target, doubtful))
    const { exit, stderr, stdout } = spillway(['check', '--config', file])
    expect(await exit).toBe(0)
    expect(stdout()).toMatch(/^ {2}claude +ollama +http:\/\/127\.0\.0\.1:11434 \(no key, model llama3\.2\)$/m)
    expect(stdout()).toMatch(/^ {2}\* +claude -> local$/m)
    expect(stdout()).toMatch(
      /^chains\n {2}\* +telemetry > ledger > translate > fallback \[target local\] > .* > attempt$/m,
    )
    expect(stdout()).toMatch(new RegExp(`^${file} is valid, with 1 warning$`, 'm'))
    expect(stderr()).toMatch(/^warning: .* {2}targets\.local\.endpoints\[0\]: no credential: .*\n$/)
  })

  it('prints the chain of each route in whole where it is asked to', async () => {
    const target = {
      api: 'anthropic',
      endpoints: [{ url: 'http://127.0.0.1:9', credential: 'env:SOME_KEY' }],
    }
    const file = configFile(configOf(target))
    const { exit, stdout } = spillway(['check', '--chains', '--config', file], { SOME_KEY: 'sk-ant-secret' })
    expect(await exit).toBe(0)
    expect(stdout()).toMatch(
      /^chain of \*\n {2}telemetry\n {2}ledger\n(?: {2}.*\n)+ {2}attempt \(at http:\/\/127\.0\.0\.1:9\)$/m,
    )
    expect(stdout()).not.toContain('sk-ant-secret')
  })

  it('reads the model files that the configuration names, and says what is wrong with them', async () => {
    const malformed = join(temporaryFolder(), 'malformed.gguf')
    writeFileSync(malformed, 'GGUF'.repeat(100))
    const sound = embeddedTarget({})
    const targets = {
      gone: { api: 'embedded', model: '/nowhere/gone.gguf' },
      malformed: { api: 'embedded', model: malformed },
      sound,
    }
    const file = configFile({
      targets,
      routes: [{ models: '*', target: 'gone', fallback: ['malformed', 'sound'] }],
    })
    const { exit, stderr } = spillway(['check', '--config', file])
    expect(await exit).toBe(1)
    expect(stderr().split('\n')).toEqual([
      `${file}:4:5  targets.gone.model: cannot use the model file /nowhere/gone.gguf: there is no such file`,
      `${file}:7:5  targets.malformed.model: cannot use the model file ${malformed}: its GGUF version is 1179993927, and only 2 and 3 are known`,
      '2 problems',
      '',
    ])
    const valid = configFile({ targets: { sound }, routes: [{ models: '*', target: 'sound' }] })
    expect(await spillway(['check', '--config', valid]).exit).toBe(0)
  })

  it('lists every problem of an invalid file, and exits with 1', async () => {
    const file = configFile('targets: {}\nroutes: []\n')
    const { exit, stderr, stdout } = spillway(['check', '--config', file])
    expect(await exit).toBe(1)
    expect(stdout()).toBe('')
    expect(stderr().split('\n')).toEqual([
      `${file}:1:1  targets: expected at least one target`,
      `${file}:2:1  routes: expected at least one route`,
      '2 problems',
      '',
    ])
  })

  it('names a file that is missing', async () => {
    const { exit, stderr } = spillway(['check', '--config', 'no-such.yaml'])
    expect(await exit).toBe(1)
    expect(stderr()).toContain('no-such.yaml:1:1  there is no such file; "spillway init" writes one')
  })
})

describe('the command line', () => {
  it.each([['--help'], ['start --help'], ['check --help']])('explains itself: %s', async (args) => {
    const { exit, stdout } = spillway(args.split(' '))
    expect(await exit).toBe(0)
    expect(stdout()).toMatch(/^Usage: spillway/)
  })

  it.each([
    ['start --bogus', "error: unknown option '--bogus'"],
    [
      'start --port eighty',
      /^error: option '-p, --port <port>' argument 'eighty' is invalid\. expected a port/,
    ],
    ['start --port 70000', /expected a port from 0 to 65535/],
    ['check --bogus', "error: unknown option '--bogus'"],
    ['bogus', "error: unknown command 'bogus'"],
  ])('refuses %s with one clear line and exit code 1', async (args, expected) => {
    const { exit, stderr, stdout } = spillway(args.split(' '))
    expect(await exit).toBe(1)
    const [first = '', ...rest] = stderr().trim().split('\n')
    expect(first).toMatch(expected)
    expect(rest.filter((line) => line !== '')).toEqual(['(spillway --help says more)'])
    expect(stdout()).toBe('')
  })

  it('tells its version', async () => {
    const { exit, stdout } = spillway(['--version'])
    expect(await exit).toBe(0)
    expect(stdout()).toMatch(/^\d+\.\d+\.\d+/)
  })
})
