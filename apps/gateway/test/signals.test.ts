import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openLedgerStore } from '@spillway/ledger'
import { hasRedis, type SimulatedServer, startClaude, startRedis } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { privatePostgres } from '../../../packages/ledger/test/private-postgres.ts'
import { freezable } from './frozen.ts'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { messages, openSocket, type RawConnection, requestText, send } from './raw-client.ts'
import { configFile, type Run, ready, spillway, started, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first.

/** A gateway in the middle of a stream that goes on for a second or two. */
async function streaming(): Promise<Run & { url: string; stream: RawConnection; claude: SimulatedServer }> {
  const claude = forThisTest(await startClaude({ chunks: 30, chunkDelayMs: 100 }))
  const run = await started(configOf(targetAt(claude, 'anthropic')))
  const stream = await openSocket(run.url, requestText('/v1/messages', messages({ stream: true })))
  await until(() => stream.received().includes('content_block_delta'))
  return { ...run, stream, claude }
}

const pid = ({ child }: Run): number => child.pid as number

describe('a signal', { timeout: 60_000 }, () => {
  it('SIGHUP ends nothing: it reads the configuration again, and SIGTERM drains as ever', async () => {
    const run = await streaming()
    process.kill(pid(run), 'SIGHUP')
    await until(() => run.stdout().includes('(SIGHUP); nothing of it has changed'))
    expect(run.stderr()).not.toContain('draining')
    process.kill(pid(run), 'SIGTERM')
    await until(() => run.stderr().includes('draining'))
    // A shell that ends sends it to its jobs as well.
    process.kill(pid(run), 'SIGHUP')
    expect(await run.exit).toBe(0)
    expect(run.stream.received()).toContain('message_stop')
  })

  it('SIGKILL leaves what an idle gateway has written in its database, which it has closed by then', async () => {
    const file = join(temporaryFolder(), 'ledger.db')
    const claude = forThisTest(await startClaude())
    const storage = { url: `sqlite:${file}` }
    const run = await started(configOf(targetAt(claude, 'anthropic'), undefined, { storage }))
    // Until the last connection is closed, what was written is in a file beside it.
    const isWritten = (): boolean => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 20_000
    await until(() => isWritten() && !existsSync(`${file}-wal`))
    process.kill(pid(run), 'SIGKILL')
    await run.exit
    const store = openLedgerStore(storage.url, { readOnly: true })
    expect(await store.audit.read(0, 10)).toMatchObject([
      { seq: 1, entry: expect.stringContaining('gateway.started') },
    ])
    await store.close()
  })

  it('SIGTERM that comes again stops at once', async () => {
    const run = await streaming()
    run.claude.always({ type: 'stall', afterChunks: 1, ms: Number.POSITIVE_INFINITY })
    const stalled = await openSocket(run.url, requestText('/v1/messages', messages({ stream: true })))
    await until(() => stalled.received().includes('content_block_delta'))
    process.kill(pid(run), 'SIGTERM')
    await until(() => run.stderr().includes('draining'))
    await delay(300)
    process.kill(pid(run), 'SIGTERM')
    const signalledAt = performance.now()
    expect(await run.exit).toBe(0)
    expect(performance.now() - signalledAt).toBeLessThan(5_000)
  })

  it('that comes twice for one key press does not cut calls', async () => {
    const run = await streaming()
    // As a package manager does that passes on what the terminal has sent already.
    process.kill(pid(run), 'SIGINT')
    await delay(20)
    process.kill(pid(run), 'SIGINT')
    expect(await run.exit).toBe(0)
    expect(run.stream.received()).toContain('message_stop')
  })

  it('SIGUSR1, SIGUSR2 or SIGPIPE changes nothing', async () => {
    const run = await streaming()
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const) {
      process.kill(pid(run), signal)
      await delay(100)
    }
    await until(() => run.stream.received().includes('message_stop'))
    const { status } = await send(`${run.url}/healthz`, { method: 'GET' })
    expect(status).toBe(200)
    expect(run.stderr()).not.toContain('Debugger')
    await expect(fetch('http://127.0.0.1:9229/json/version')).rejects.toThrow()
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })
})

describe('the end of a gateway', { timeout: 90_000 }, () => {
  it('does not wait for a Redis, a database and a collector that never answer, and names them', async () => {
    const claude = forThisTest(await startClaude())
    const folder = temporaryFolder()
    const [redis, database, collector] = [await freezable(), await freezable(), await freezable()]
    const run = await started(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        state: { redis: `redis://127.0.0.1:${redis.port}` },
        storage: { url: `postgres://spillway@127.0.0.1:${database.port}/calls`, journal: folder },
        telemetry: { otlp: `http://127.0.0.1:${collector.port}` },
      }),
    )
    for (let calls = 0; calls < 3; calls++) {
      expect((await send(`${run.url}/v1/messages`, { body: messages() })).status).toBe(200)
    }
    await endsInTime(run)
    expect(run.stderr()).toContain('the export of telemetry has not closed within 5 s')
    expect(rowsIn(folder).filter(({ table }) => table === 'calls')).toHaveLength(3)
  })

  it('does not wait for services that have answered and hang now, and loses no row', async () => {
    const postgres = await privatePostgres()
    if (postgres === undefined || !hasRedis()) return
    onTestFinished(() => postgres.close())
    const claude = forThisTest(await startClaude())
    const redis = forThisTest(await startRedis())
    const database = await freezable(Number(new URL(postgres.url).port))
    const folder = temporaryFolder()
    const url = postgres.url.replace(/:\d+\//, `:${database.port}/`)
    const run = await started(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        state: { redis: redis.url },
        storage: { url, journal: folder },
        rateLimit: { requestsPerMinute: 1_000 },
      }),
    )
    const call = async (): Promise<void> => {
      expect((await send(`${run.url}/v1/messages`, { body: messages() })).status).toBe(200)
    }
    await call()
    const booked = (): Promise<string> => fetch(`${run.url}/api/calls`).then((answer) => answer.text())
    while (!(await booked()).includes('claude-sonnet-5-5')) await delay(50)
    redis.pause()
    database.freeze()
    await call()
    await call()
    await endsInTime(run)
    redis.resume()
    expect(rowsIn(folder).filter(({ table }) => table === 'calls')).toHaveLength(2)
  })

  it('stops at once on a second signal, whatever hangs', async () => {
    const claude = forThisTest(await startClaude())
    const [database, collector] = [await freezable(), await freezable()]
    const run = await started(
      configOf(targetAt(claude, 'anthropic'), undefined, {
        storage: {
          url: `postgres://spillway@127.0.0.1:${database.port}/calls`,
          journal: temporaryFolder(),
        },
        telemetry: { otlp: `http://127.0.0.1:${collector.port}` },
      }),
    )
    await send(`${run.url}/v1/messages`, { body: messages() })
    run.child.kill('SIGTERM')
    await until(() => run.stderr().includes('draining'))
    await delay(200)
    run.child.kill('SIGTERM')
    const signalledAt = performance.now()
    expect(await run.exit).toBe(0)
    expect(performance.now() - signalledAt).toBeLessThan(3_000)
  })

  async function endsInTime(run: Run): Promise<void> {
    const signalledAt = performance.now()
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
    expect(performance.now() - signalledAt).toBeLessThan(10_000)
  }

  /** Entries of the ledger in a journal's folder. */
  function rowsIn(folder: string): { table: string }[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /^[^/]+\.owner\/[^/]+\.jsonl$/.test(name))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
      .map((line) => JSON.parse(line))
  }
})

describe('an error that nothing has caught', { timeout: 60_000 }, () => {
  /** A gateway in the middle of a stream, in which a signal lets something fail. */
  async function failing(code: string): Promise<Run & { stream: RawConnection; url: string }> {
    const folder = temporaryFolder()
    const module = join(folder, 'failing.mjs')
    writeFileSync(module, `process.on('SIGWINCH', () => { ${code} })\n`)
    const claude = forThisTest(await startClaude({ chunks: 30, chunkDelayMs: 100 }))
    const file = configFile(configOf(targetAt(claude, 'anthropic')))
    const run = spillway(['start', '--config', file, '--port', '0'], { NODE_OPTIONS: `--import=${module}` })
    await until(() => ready.test(run.stdout()))
    const url = ready.exec(run.stdout())?.[1] as string
    const stream = await openSocket(url, requestText('/v1/messages', messages({ stream: true })))
    await until(() => stream.received().includes('content_block_delta'))
    process.kill(pid(run), 'SIGWINCH')
    return { ...run, stream, url }
  }

  it('leaves calls in flight their time; then the process ends with 70', async () => {
    const run = await failing("throw new Error('a stray error')")
    expect(await run.exit).toBe(70)
    expect(run.stream.received()).toContain('message_stop')
    expect(run.stderr()).toMatch(/^[-\d]+ [:\d]+ {2}an error that nothing has caught: Error: a stray error$/m)
  })

  it('in work beside the calls, a rejection, is a line, and calls go on', async () => {
    const run = await failing("Promise.reject(new Error('a stray rejection'))")
    await until(() => run.stream.received().includes('message_stop'))
    const { status } = await send(`${run.url}/v1/messages`, { body: messages() })
    expect(status).toBe(200)
    expect(run.stderr()).toMatch(/unhandled rejection, calls continue: Error: a stray rejection$/m)
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })
})
