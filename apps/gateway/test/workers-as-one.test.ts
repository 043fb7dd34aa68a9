import { join } from 'node:path'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { type Json, messages, send } from './raw-client.ts'
import { until } from './spillway.ts'
import { type RunningWorkers, startedWorkers, startLoad } from './workers.ts'

// These tests start the built program: `pnpm build` comes first.

const claudeFor = (options = {}): Promise<SimulatedServer> => startClaude(options).then(forThisTest)

const api = async ({ url }: RunningWorkers, path: string): Promise<Json> => (await fetch(url + path)).json()

/** The sum of a counter over all its series. */
async function counted({ url }: RunningWorkers, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const series = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Sends calls one after another until each of two processes has served one; how many there were. */
async function callsOfBoth(run: RunningWorkers): Promise<number> {
  const lines = () => run.log().filter(({ event }) => event === 'call')
  const before = lines().length
  const processes = (): number =>
    new Set(
      lines()
        .slice(before)
        .map(({ pid }) => pid),
    ).size
  let calls = 0
  while (processes() < 2) {
    expect((await send(`${run.url}/v1/messages`, { body: messages() })).status).toBe(200)
    calls++
    await until(() => lines().length === before + calls)
  }
  return calls
}

describe('a gateway of two workers is one to those who look', { timeout: 60_000 }, () => {
  it('in its ledger, its metrics and its live view, also when a worker has ended', async () => {
    const claude = await claudeFor()
    const storage = { url: `sqlite:${join(temporaryFolder(), 'books.db')}` }
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic'), undefined, { storage }))
    // Someone watches, at whichever worker that is.
    const watching = new AbortController()
    onTestFinished(() => watching.abort())
    const live = await fetch(`${run.url}/api/live`, { signal: watching.signal })
    let seen = ''
    void (async () => {
      for await (const piece of live.body as never as AsyncIterable<Uint8Array>)
        seen += Buffer.from(piece).toString()
    })().catch(() => {})
    const calls = await callsOfBoth(run)
    await until(() => seen.split('event: call').length - 1 === calls)
    const booked = async (): Promise<number> => (await api(run, '/api/summary')).calls
    // A view writes what waits at the worker that answers; the other one hands its rows over within a second.
    await expect.poll(booked).toBe(calls)
    expect(await counted(run, 'spillway_calls_total')).toBe(calls)
    expect(await counted(run, 'spillway_workers')).toBe(4)
    process.kill(run.pids()[0] as number, 'SIGKILL')
    await run.said('serves in its place')
    expect(await counted(run, 'spillway_calls_total')).toBe(calls)
    expect(await counted(run, 'spillway_worker_restarts_total')).toBe(1)
    const more = await callsOfBoth(run)
    run.child.kill('SIGUSR2')
    await run.said('all workers were replaced')
    await until(() => run.pids().length === 2, 30_000)
    expect(await counted(run, 'spillway_calls_total')).toBe(calls + more)
    await expect.poll(booked).toBe(calls + more)
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })

  it('in its limits', async () => {
    const claude = await claudeFor()
    const limited = { rateLimit: { requestsPerMinute: 20, maxWait: '0ms' } }
    const run = await startedWorkers(
      configOf(targetAt(claude, 'anthropic', limited), undefined, { circuitBreaker: { minimumCalls: 3 } }),
    )
    const load = startLoad(run.url)
    await until(() => (load.statuses.get(529) ?? 0) + (load.statuses.get(429) ?? 0) > 40)
    await load.stop()
    // On a machine that has no time for the primary each worker keeps to its share, which is no more exact.
    const isLate = run.stdout().includes('the primary process does not answer')
    const { length: admitted } = claude.requests.filter(({ path }) => path.startsWith('/v1/messages'))
    if (isLate) expect(admitted).toBeLessThanOrEqual(40)
    else expect(admitted).toBe(20)
    const [endpoint] = (await api(run, '/api/targets')).targets[0].endpoints
    expect(endpoint.headroom.requestsPerMinute).toMatchObject({ limit: 20 })
    expect(await api(run, '/readyz')).toMatchObject({ workers: 2 })
  })
})
