import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { configOf, forThisTest, targetAt } from './gateway.ts'
import { messages, openSocket, type RawConnection, requestText, send } from './raw-client.ts'
import { configFile, spillway, until } from './spillway.ts'
import { isAlive, type RunningWorkers, startedWorkers, startLoad } from './workers.ts'

// These tests start the built program: `pnpm build` comes first.

const claudeFor = (options = {}): Promise<SimulatedServer> =>
  startClaude({ chunks: 5, chunkDelayMs: 5, record: false, ...options }).then(forThisTest)

/** Streams that are in flight, one in each worker. */
async function streaming({ url }: RunningWorkers): Promise<RawConnection[]> {
  const open = () => openSocket(url, requestText('/v1/messages', messages({ stream: true })))
  const streams = [await open(), await open()]
  await until(() => streams.every((stream) => stream.received().includes('content_block_delta')))
  return streams
}

const workersThatCalled = (run: RunningWorkers): Set<unknown> =>
  new Set(run.log().flatMap(({ event, worker }) => (event === 'call' ? [worker] : [])))

describe('a gateway of two workers', { timeout: 90_000 }, () => {
  it('serves by both, says which one in its log, drains at SIGTERM and leaves nothing behind', async () => {
    const claude = await claudeFor({ chunks: 20, chunkDelayMs: 50 })
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
    const pids = run.pids()
    const streams = await streaming(run)
    expect(pids).toHaveLength(2)
    expect(await (await fetch(`${run.url}/readyz`)).json()).toEqual({
      status: 'ok',
      ledger: 'ok',
      workers: 2,
    })
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
    for (const stream of streams) expect(stream.received()).toContain('message_stop')
    expect(pids.filter(isAlive)).toEqual([])
    expect([...workersThatCalled(run)].sort()).toEqual([1, 2])
    expect(run.log().at(-1)).toMatchObject({ event: 'summary', calls: 2, failed: 0, targets: { claude: 2 } })
  })

  it('replaces a worker that is killed: only the calls in it are lost, and the port stays', async () => {
    const claude = await claudeFor()
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
    const load = startLoad(run.url)
    await load.more(20)
    const [victim, survivor] = run.pids() as [number, number]
    process.kill(victim, 'SIGKILL')
    await run.said(/worker \d \(pid \d+\) serves in its place/)
    await load.more(50)
    await load.stop()
    const statuses = Object.fromEntries(load.statuses)
    // One call of each of ten callers at most was in it.
    expect(statuses[0] ?? 0).toBeLessThanOrEqual(10)
    expect(Object.keys(statuses).filter((status) => status !== '0')).toEqual(['200'])
    expect(run.pids()).toContain(survivor)
    expect(run.pids()).toHaveLength(2)
    expect(run.stdout()).toContain(`(pid ${victim}) has ended (SIGKILL)`)
  })

  it('gives a connection that a hung worker had not taken to another one when it is killed', async () => {
    const claude = await claudeFor()
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
    const [hung] = run.pids() as [number]
    process.kill(hung, 'SIGSTOP')
    // In turn: one of two connections is handed to it.
    const answers = [1, 2].map(() => send(`${run.url}/v1/messages`, { body: messages() }))
    let answered = 0
    for (const answer of answers) void answer.then(() => answered++)
    await until(() => answered === 1)
    process.kill(hung, 'SIGKILL')
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200])
  })

  it('goes on where both are killed at once', async () => {
    const claude = await claudeFor()
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
    for (const pid of run.pids()) process.kill(pid, 'SIGKILL')
    await until(() => run.stdout().split('serves in its place').length === 3, 30_000)
    expect((await send(`${run.url}/v1/messages`, { body: messages() })).status).toBe(200)
  })

  it('replaces all workers under load without a failed call: at SIGUSR2, for keys of the start, and one at SIGTERM', async () => {
    const claude = await claudeFor()
    const config = configOf(targetAt(claude, 'anthropic'))
    const run = await startedWorkers(config)
    const before = run.pids()
    const load = startLoad(run.url)
    await load.more(20)
    run.child.kill('SIGUSR2')
    await run.said('all workers were replaced (SIGUSR2)')
    await load.more(20)
    // Opened at the start of a worker: both are replaced again.
    run.write(config, { http2: { maxConcurrentStreams: 7 } })
    run.child.kill('SIGHUP')
    await run.said('changed: server.http2')
    await load.more(20)
    await until(() => run.pids().length === 2, 30_000)
    const [one] = run.pids() as [number]
    process.kill(one, 'SIGTERM')
    await run.said('(SIGTERM): another one starts')
    await run.said('serves in its place')
    await load.more(20)
    await until(() => run.pids().length === 2 && !isAlive(one), 30_000)
    await load.stop()
    expect([...load.statuses.keys()]).toEqual([200])
    expect(run.pids().filter((pid) => before.includes(pid))).toEqual([])
  })

  it('takes a change in all workers or in none', async () => {
    const [claude, other] = [await claudeFor(), await claudeFor({ reply: { text: 'the other one' } })]
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
    const before = run.pids()
    const texts = async (): Promise<Set<string>> => {
      const answers = Array.from({ length: 6 }, () => send(`${run.url}/v1/messages`, { body: messages() }))
      const found = await Promise.all(answers)
      return new Set(found.map(({ text }) => JSON.parse(text).content[0].text))
    }
    run.write({ ...configOf(targetAt(other, 'anthropic')), nonsense: true })
    run.child.kill('SIGHUP')
    await run.said('nonsense: unknown key')
    expect(await texts()).not.toContain('the other one')
    // It can be read, and a worker cannot start with it.
    const vault = { kind: 'age', file: '/nowhere.age', keyFile: '/nowhere.key' }
    run.write({ ...configOf(targetAt(other, 'anthropic')), vault })
    run.child.kill('SIGHUP')
    await run.said('there is no vault at /nowhere.age')
    expect(await texts()).not.toContain('the other one')
    run.write(configOf(targetAt(other, 'anthropic')))
    run.child.kill('SIGHUP')
    await run.said('changed: targets.claude.endpoints')
    expect(await texts()).toEqual(new Set(['the other one']))
    expect(run.pids()).toEqual(before)
  })

  it('stops at once at a second signal, and a key press that all processes hear is one of the primary', async () => {
    const claude = await claudeFor()
    claude.always({ type: 'stall', afterChunks: 1, ms: Number.POSITIVE_INFINITY })
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
    const pids = run.pids()
    const streams = await streaming(run)
    // As a terminal does.
    for (const pid of [run.pid, ...pids]) process.kill(pid, 'SIGINT')
    await run.said('draining calls in flight')
    await delay(300)
    expect(streams.filter(({ socket }) => socket.destroyed)).toEqual([])
    run.child.kill('SIGINT')
    expect(await run.exit).toBe(0)
    await until(() => !pids.some(isAlive))
  })

  it('whose primary is killed ends the calls in flight and leaves no process behind', async () => {
    const claude = await claudeFor({ chunks: 20, chunkDelayMs: 50 })
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
    const pids = run.pids()
    const streams = await streaming(run)
    run.child.kill('SIGKILL')
    await until(() => !pids.some(isAlive), 30_000)
    for (const stream of streams) expect(stream.received()).toContain('message_stop')
  })
})

it('workers whose primary is killed still serve who has a connection to them', {
  timeout: 60_000,
}, async () => {
  const claude = await claudeFor()
  const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')))
  const pids = run.pids()
  const connection = await openSocket(run.url, requestText('/v1/messages', messages()))
  await until(() => connection.received().includes('end_turn'))
  run.child.kill('SIGKILL')
  await delay(500)
  const before = connection.received().length
  connection.socket.write(requestText('/v1/messages', messages()))
  await until(() => connection.received().slice(before).includes('end_turn'))
  expect(connection.received().slice(before)).toMatch(/^connection: close\r$/im)
  await until(() => !pids.some(isAlive), 30_000)
})

describe('a gateway of workers that cannot start', { timeout: 60_000 }, () => {
  it('says so once, and exits', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const claude = await claudeFor()
    const { port } = taken.address() as { port: number }
    const config = { ...configOf(targetAt(claude, 'anthropic')), server: { workers: 3, port } }
    const run = spillway(['start', '--config', configFile(config)])
    expect(await run.exit).toBe(1)
    expect(run.stderr()).toContain(`port ${port} is in use`)
    expect(run.stderr().match(/is in use/g)).toHaveLength(1)
  })
})
