import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'
import { noting, type Redirected, redirected } from './shell.ts'
import { configFile, spillway, until } from './spillway.ts'

// These tests start the built program from a real shell: `pnpm build` comes first. They need Linux: /dev/full, its `script`.
const isLinux = process.platform === 'linux'

/** A gateway that says a line on standard output for each call, and one on standard error for each look at its books. */
async function gatewayWith(redirect: string): Promise<Redirected> {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'status', status: 500, message: 'the dam is full. '.repeat(30) })
  const config = configOf(targetAt(claude, 'anthropic', { circuitBreaker: { enabled: false } }), undefined, {
    storage: { url: 'postgres://nobody@127.0.0.1:1/nothing' },
  })
  return redirected(config, redirect)
}

// Each of its characters is eight in a line, so that a pipe is full soon.
const model = `claude-${'\ue000'.repeat(240)}`

/** One call and one look at the books; both are answered at once, whatever becomes of their lines. */
async function use({ url }: Redirected): Promise<void> {
  const startedAt = performance.now()
  const [call, view] = await Promise.all([
    send(`${url}/v1/messages`, { body: messages({ model }) }),
    send(`${url}/api/summary`, { method: 'GET' }),
  ])
  expect([call.status, view.status]).toEqual([500, 503])
  expect(performance.now() - startedAt).toBeLessThan(10_000)
}

async function dropped({ url }: Redirected, stream: string): Promise<number> {
  const { text } = await send(`${url}/metrics`, { method: 'GET' })
  const found = new RegExp(`^spillway_log_dropped\\w*\\{[^}]*"${stream}"[^}]*\\} (\\d+)`, 'm').exec(text)
  return Number(found?.[1] ?? Number.NaN)
}

/** Uses the gateway until lines of a stream are dropped. */
async function useUntilDropped(gateway: Redirected, stream: string): Promise<void> {
  for (let round = 0; round < 200; round++) {
    await use(gateway)
    if ((await dropped(gateway, stream)) > 0) return
    const ask = async (): Promise<unknown> =>
      stream === 'stderr' ? (await fetch(`${gateway.url}/api/summary`)).text() : use(gateway)
    await Promise.all(Array.from({ length: stream === 'stderr' ? 200 : 20 }, ask))
  }
  throw new Error(`no line of ${stream} was dropped`)
}

const streams = [
  ['stdout', '', 'standard output', '2> other'],
  ['stderr', '2>&1 > other', 'standard error', ''],
] as const

describe.skipIf(!isLinux).for(streams)(
  'a gateway whose %s',
  { timeout: 120_000 },
  ([stream, swapped, name, aside]) => {
    it('goes to a reader that leaves after a line serves on, and counts what it cannot say', async () => {
      const gateway = await gatewayWith(`GATEWAY ${swapped} ${aside} | head -1 > first`)
      await useUntilDropped(gateway, stream)
      for (let calls = 0; calls < 5; calls++) await use(gateway)
      expect(await dropped(gateway, stream)).toBeGreaterThanOrEqual(5)
      await until(() => gateway.file('other').includes(`${name} takes no lines (EPIPE)`))
      gateway.signal('SIGTERM')
      expect(await gateway.exit).toBe(0)
    })

    it('goes to a full disk serves on, and counts what it cannot say', async () => {
      const full = stream === 'stdout' ? '> /dev/full 2> other' : '> other 2> /dev/full'
      const gateway = await gatewayWith(`GATEWAY ${full}`)
      for (let calls = 0; calls < 5; calls++) await use(gateway)
      expect(await dropped(gateway, stream)).toBeGreaterThanOrEqual(5)
      await until(() => gateway.file('other').includes(`${name} takes no lines (ENOSPC)`))
      gateway.signal('SIGTERM')
      expect(await gateway.exit).toBe(0)
    })

    it('goes to a reader that hangs serves on, and says how much is missing when it reads again', async () => {
      const gateway = await gatewayWith(`GATEWAY ${swapped} ${aside} | ${noting('reader')} cat > all`)
      await use(gateway)
      process.kill(gateway.pidIn('reader'), 'SIGSTOP')
      await useUntilDropped(gateway, stream)
      for (let calls = 0; calls < 20; calls++) await use(gateway)
      expect(await dropped(gateway, stream)).toBeGreaterThanOrEqual(20)
      process.kill(gateway.pidIn('reader'), 'SIGCONT')
      await until(() => /^\d+ lines were dropped here/m.test(gateway.file('all')))
      const before = gateway.file('all').length
      await use(gateway)
      await until(() => gateway.file('all').length > before)
      gateway.signal('SIGTERM')
      expect(await gateway.exit).toBe(0)
    })

    it('goes to a reader that hangs for good ends nevertheless', async () => {
      const gateway = await gatewayWith(`GATEWAY ${swapped} ${aside} | ${noting('reader')} cat > all`)
      await use(gateway)
      process.kill(gateway.pidIn('reader'), 'SIGSTOP')
      await useUntilDropped(gateway, stream)
      const signalledAt = performance.now()
      gateway.signal('SIGTERM')
      expect(await gateway.exit).toBe(0)
      expect(performance.now() - signalledAt).toBeLessThan(15_000)
    })

    it('goes to a collector that is started again is heard by the new one', async () => {
      const redirect = stream === 'stdout' ? '> pipe 2> other' : '> other 2> pipe'
      const gateway = await gatewayWith(
        `mkfifo pipe; { ${noting('reader')} cat pipe > all; } & GATEWAY ${redirect}`,
      )
      await use(gateway)
      process.kill(gateway.pidIn('reader'), 'SIGKILL')
      await useUntilDropped(gateway, stream)
      const again = spawn('sh', ['-c', 'exec cat pipe > again'], {
        cwd: gateway.folder,
        stdio: 'ignore',
      })
      onTestFinished(() => void again.kill('SIGKILL'))
      await delay(200)
      await use(gateway)
      await until(() => /^\d+ lines? (was|were) dropped here/m.test(gateway.file('again')))
    })
  },
)

it.skipIf(!isLinux)('a gateway on a terminal that is stopped serves on', { timeout: 120_000 }, async () => {
  const gateway = await gatewayWith(`{ ${noting('terminal')} script -qfc "GATEWAY" typescript; } > seen`)
  await use(gateway)
  process.kill(gateway.pidIn('terminal'), 'SIGSTOP')
  await useUntilDropped(gateway, 'stdout')
  process.kill(gateway.pidIn('terminal'), 'SIGCONT')
  await until(() => /^\d+ lines were dropped here/m.test(gateway.file('typescript')))
  gateway.signal('SIGTERM')
  await until(() => gateway.file('code') !== '')
})

it.skipIf(!isLinux)('a log file that is a pipe without a reader stops the start, and says so', async () => {
  const pipe = join(temporaryFolder(), 'pipe')
  execFileSync('mkfifo', [pipe])
  const log = { file: pipe }
  const config = configOf(targetAt({ url: 'http://127.0.0.1:9' }, 'anthropic'), undefined, {
    server: { host: '127.0.0.1', port: 0, log },
  })
  const run = spillway(['start', '--config', configFile(config)])
  expect(await run.exit).toBe(1)
  expect(run.stderr()).toContain(
    `server.log.file: ${pipe} cannot be written to: it is a pipe that no program reads`,
  )
})
