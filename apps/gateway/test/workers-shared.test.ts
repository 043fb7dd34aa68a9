import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { messages, openSocket, type RawConnection, requestText, send } from './raw-client.ts'
import { spillway, until } from './spillway.ts'
import { isAlive, startedWorkers, startLoad } from './workers.ts'

// These tests start the built program: `pnpm build` comes first. What workers share, in a gateway of two.

const call = (url: string) => send(`${url}/v1/messages`, { body: messages() })

/** The ids of all calls that are booked, in their order; none before the database has its tables. */
function booked(file: string): string[] {
  if (!existsSync(file)) return []
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 })
  try {
    const hasCalls = database.prepare("select 1 from sqlite_schema where name = 'calls'").get()
    if (hasCalls === undefined) return []
    return database
      .prepare('select call_id from calls order by call_id')
      .all()
      .map((row) => String(row.call_id))
  } finally {
    database.close()
  }
}

describe('a gateway of two workers', { timeout: 90_000 }, () => {
  it('has one limit, one ledger and one view of both, and the command line reads them', async () => {
    const claude = await startClaude().then(forThisTest)
    const file = join(temporaryFolder(), 'ledger.db')
    const config = configOf(targetAt(claude, 'anthropic'), undefined, {
      storage: { url: `sqlite:${file}` },
      rateLimit: { requestsPerMinute: 40, maxWait: '0s' },
    })
    const run = await startedWorkers(config)
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(run.url)))
    const served = answers.filter(({ status }) => status === 200)
    expect(served).toHaveLength(40)
    const workers = new Set(run.log().flatMap(({ event, worker }) => (event === 'call' ? [worker] : [])))
    expect(workers.size).toBe(2)
    expect(await (await fetch(`${run.url}/readyz`)).json()).toEqual({
      status: 'ok',
      ledger: 'ok',
      workers: 2,
    })
    await until(() => booked(file).length === 100)
    for (let asked = 0; asked < 4; asked++) {
      const { text } = await send(`${run.url}/api/summary?range=1h`, { method: 'GET' })
      expect(JSON.parse(text)).toMatchObject({ calls: 100 })
    }
    const audit = spillway(['audit', 'verify', '--storage', `sqlite:${file}`])
    expect([await audit.exit, audit.stdout()]).toMatchObject([0, expect.stringContaining('whole')])
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
    expect(new Set(booked(file)).size).toBe(100)
  })

  it('books each call once while its workers are killed and replaced under load', async () => {
    const claude = await startClaude({ record: false }).then(forThisTest)
    const file = join(temporaryFolder(), 'ledger.db')
    const run = await startedWorkers(
      configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url: `sqlite:${file}` } }),
    )
    const load = startLoad(run.url)
    await load.more(50)
    run.child.kill('SIGUSR2')
    await run.said('all workers were replaced (SIGUSR2)')
    await load.more(50)
    await load.stop()
    const { answered } = load
    expect([...load.statuses.keys()]).toEqual([200])
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
    expect(booked(file)).toHaveLength(answered)
    expect(new Set(booked(file)).size).toBe(answered)
  })

  it('whose primary is killed leaves rows in journals, which the next start takes over, once', async () => {
    const claude = await startClaude({ chunks: 60, chunkDelayMs: 50, record: false }).then(forThisTest)
    const folder = temporaryFolder()
    const file = join(folder, 'ledger.db')
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url: `sqlite:${file}` } })
    const run = await startedWorkers(config)
    const pids = run.pids()
    const streams: RawConnection[] = []
    for (let stream = 0; stream < 8; stream++)
      streams.push(await openSocket(run.url, requestText('/v1/messages', messages({ stream: true }))))
    await until(() => streams.every((stream) => stream.received().includes('content_block_delta')), 30_000)
    run.child.kill('SIGKILL')
    await until(() => !pids.some(isAlive), 30_000)
    for (const stream of streams) expect(stream.received()).toContain('message_stop')
    expect(readdirSync(`${file}.waiting`)).not.toEqual([])
    const next = await startedWorkers(config)
    await until(() => booked(file).length === 8, 30_000)
    next.child.kill('SIGTERM')
    expect(await next.exit).toBe(0)
    expect(new Set(booked(file)).size).toBe(8)
  })
})
