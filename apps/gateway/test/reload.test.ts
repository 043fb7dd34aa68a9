import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../src/config/load-config.ts'
import { type Gateway, startGateway } from '../src/gateway.ts'
import { configOf, forThisTest, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'
import { configFile, ready, spillway, until } from './spillway.ts'

const read = (config: object) => parseConfig(stringify(config), 'f').config

async function start(config: object): Promise<Gateway> {
  const gateway = await startGateway(read(config), { port: 0, stateFolder: null, log: () => {} })
  onTestFinished(() => gateway.close(0))
  return gateway
}

const ask = (url: string, stream = false): Promise<Response> =>
  fetch(`${url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({
      ...{ model: 'm', max_tokens: 9, stream },
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  })

it('keeps circuits and limits of targets that are the same, and replaces the others', async () => {
  const [claude, local, next] = [await startClaude(), await startClaude(), await startClaude()].map(
    forThisTest,
  )
  if (!claude || !local || !next) throw new Error('not started')
  const limited = { rateLimit: { requestsPerMinute: 100 } }
  const config = (second: typeof local, more: object = {}) =>
    configOf(targetAt(claude, 'anthropic', limited), targetAt(second, 'anthropic', more), {
      circuitBreaker: { minimumCalls: 3 },
    })
  const gateway = await start(config(local))
  claude.always({ type: 'status', status: 500 })
  for (let call = 0; call < 6; call++) await ask(gateway.url)
  const asked = claude.requests.length
  claude.always(undefined)
  const headroom = async () =>
    JSON.stringify(
      (await (await fetch(`${gateway.url}/api/targets`)).json()).targets[0].endpoints[0].headroom,
    )
  const used = await headroom()
  expect(await gateway.reload(read(config(next)))).toEqual({
    ...{ changed: ['targets.local.endpoints'], needRestart: [] },
  })
  const answer = await ask(gateway.url)
  expect([answer.status, answer.headers.get('x-spillway-fallback')]).toEqual([200, 'circuit_open'])
  expect([claude.requests.length, next.requests.length]).toEqual([asked, 1])
  expect(await headroom()).toBe(used)
})

it('brings streams to their end on targets that are gone, and changes nothing where a reload fails', async () => {
  const claude = forThisTest(await startClaude({ chunks: 20, chunkDelayMs: 20 }))
  const next = forThisTest(await startClaude())
  const gateway = await start(configOf(targetAt(claude, 'anthropic')))
  const stream = await ask(gateway.url, true)
  const broken = {
    targets: { x: { api: 'anthropic', endpoints: [{ url: next.url, credential: 'vault:x' }] } },
  }
  await expect(
    gateway.reload(
      read({ ...broken, routes: [{ models: '*', target: 'x' }], vault: { file: 'f', keyFile: 'k' } }),
    ),
  ).rejects.toThrow('vault:x needs a vault')
  await gateway.reload(read(configOf(targetAt(next, 'anthropic'))))
  expect((await ask(gateway.url)).status).toBe(200)
  expect(next.requests).toHaveLength(1)
  expect(await stream.text()).toContain('message_stop')
})

it('keeps a fallback that is gone for a call that began two configurations ago', async () => {
  const [claude, local, next] = [await startClaude(), await startClaude(), await startClaude()].map(
    forThisTest,
  )
  if (!claude || !local || !next) throw new Error('not started')
  const config = (second: typeof local, reserve: string) =>
    configOf(
      targetAt(claude, 'anthropic', { timeouts: { firstContent: '700ms' } }),
      targetAt(second, 'anthropic'),
      { fallback: { reserve } },
    )
  const gateway = await start(config(local, '30s'))
  claude.always({ type: 'slow-first-token', ms: 5_000 })
  const answer = ask(gateway.url, true)
  await until(() => claude.requests.length > 0)
  await gateway.reload(read(config(local, '20s')))
  await gateway.reload(read(config(next, '20s')))
  expect((await answer).headers.get('x-spillway-served-by')).toBe('local')
  expect([local.requests.length, next.requests.length]).toEqual([1, 0])
})

it('serves streams and calls while good and bad configurations take turns: none fails, none is cut', async () => {
  const [one, two] = [
    forThisTest(await startClaude({ chunks: 10, chunkDelayMs: 20 })),
    forThisTest(await startClaude({ chunks: 10, chunkDelayMs: 20 })),
  ]
  const gateway = await start(configOf(targetAt(one, 'anthropic')))
  let isOver = false
  const reloading = (async () => {
    for (let round = 0; round < 12; round++) {
      await gateway.reload(read(configOf(targetAt(round % 2 ? one : two, 'anthropic'))))
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    isOver = true
  })()
  const streams = Array.from({ length: 20 }, async () => (await ask(gateway.url, true)).text())
  const statuses = new Set<number>()
  while (!isOver)
    for (const { status } of await Promise.all([ask(gateway.url), ask(gateway.url)])) statuses.add(status)
  await reloading
  expect([...statuses]).toEqual([200])
  for (const text of await Promise.all(streams)) expect(text).toContain('message_stop')
  expect(one.requests.length * two.requests.length).toBeGreaterThan(0)
}, 30_000)

it('follows its file and SIGHUP: a good one is taken, a bad one changes nothing and says why, and both are in the audit log', async () => {
  const [one, two] = [forThisTest(await startClaude()), forThisTest(await startClaude())]
  const storage = { storage: { url: `sqlite:${join(temporaryFolder(), 'books.db')}` } }
  const file = configFile(configOf(targetAt(one, 'anthropic'), undefined, storage))
  const run = spillway(['start', '--config', file, '--port', '0'])
  await until(() => ready.test(run.stdout()))
  const url = (ready.exec(run.stdout()) as RegExpExecArray)[1] as string
  writeFileSync(file, stringify(configOf(targetAt(two, 'anthropic', { api: 'nonsense' }))))
  process.kill(run.child.pid as number, 'SIGHUP')
  await until(() => run.stderr().includes('was not applied (SIGHUP); the gateway keeps its configuration'))
  expect(run.stderr()).toMatch(/spillway\.yaml:\d+:\d+ {2}targets\.claude\.api: expected one of anthropic/)
  expect((await ask(url)).status).toBe(200)
  expect(one.requests).toHaveLength(1)
  writeFileSync(
    file,
    stringify(configOf(targetAt(two, 'anthropic'), undefined, { ...storage, server: { port: 1 } })),
  )
  await until(() => run.stdout().includes('(it has changed); changed: targets.claude.endpoints'))
  await until(() => run.stderr().includes('server.port cannot change while it runs'))
  expect((await ask(url)).status).toBe(200)
  expect(two.requests).toHaveLength(1)
  const audit = async (): Promise<string> => (await fetch(`${url}/api/audit`)).text()
  await expect.poll(audit, { timeout: 10_000 }).toMatch(/config\.reloaded.*config\.refused/s)
}, 30_000)

it.skipIf(process.platform !== 'linux')(
  'goes on where its configuration came from a pipe, which is not read again',
  async () => {
    const claude = forThisTest(await startClaude())
    const pipe = join(temporaryFolder(), 'config')
    execFileSync('mkfifo', [pipe])
    const run = spillway(['start', '--config', pipe, '--port', '0'])
    await writeFile(pipe, stringify(configOf(targetAt(claude, 'anthropic'))))
    await until(() => ready.test(run.stdout()))
    const url = (ready.exec(run.stdout()) as RegExpExecArray)[1] as string
    for (let signals = 0; signals < 3; signals++) process.kill(run.child.pid as number, 'SIGHUP')
    await until(() => run.stderr().includes('it is a pipe or a device'))
    expect((await ask(url)).status).toBe(200)
    process.kill(run.child.pid as number, 'SIGTERM')
    expect(await run.exit).toBe(0)
  },
  30_000,
)

it('takes hosts, origins and bounds of the server live, and names the rest of it', async () => {
  const claude = forThisTest(await startClaude())
  const config = (server: object) => configOf(targetAt(claude, 'anthropic'), undefined, { server })
  const gateway = await start(config({}))
  const asked = async (host: string, body: object = messages()) =>
    (await send(`${gateway.url}/v1/messages`, { body, headers: { host } })).status
  expect(await asked('gateway.internal')).toBe(403)
  const diff = await gateway.reload(
    read(
      config({
        allowedHosts: ['gateway.internal'],
        maxRequestBytes: '1MiB',
        keepAliveTimeout: '9s',
        port: 1,
      }),
    ),
  )
  expect(diff.changed.toSorted()).toEqual([
    'server.allowedHosts',
    'server.keepAliveTimeout',
    'server.maxRequestBytes',
  ])
  expect(diff.needRestart).toEqual(['server.port'])
  expect(await asked('gateway.internal')).toBe(200)
  expect(await asked('gateway.internal', messages({ system: 'x'.repeat(2 ** 20) }))).toBe(413)
  const { headers } = await send(`${gateway.url}/healthz`, {
    method: 'GET',
    headers: { connection: 'keep-alive' },
  })
  expect(headers['keep-alive']).toBe('timeout=9')
  await gateway.reload(read(config({})))
  expect(await asked('gateway.internal')).toBe(403)
})

it('keeps conversations on their endpoint across a reload', async () => {
  const [one, two] = [forThisTest(await startClaude()), forThisTest(await startClaude())]
  const endpoints = [one, two].map(({ url }) => ({ url, credential: ownKey.reference }))
  const config = (timeouts: object) =>
    configOf({ api: 'anthropic', endpoints }, undefined, { fallback: timeouts })
  const gateway = await start(config({}))
  // A conversation has a place from its second turn on.
  const turns = [
    { role: 'user', content: 'Hello?' },
    { role: 'assistant', content: 'Yes?' },
    { role: 'user', content: 'Who?' },
  ]
  const turn = (session: string) =>
    send(`${gateway.url}/v1/messages`, {
      body: messages({ messages: turns }),
      headers: { 'x-spillway-session': session },
    })
  const sessions = ['a', 'b', 'c', 'd']
  const places = async (): Promise<number[]> => {
    const seen: number[] = []
    for (const session of sessions) {
      const before = one.requests.length
      await turn(session)
      seen.push(one.requests.length - before)
    }
    return seen
  }
  const before = await places()
  expect((await gateway.reload(read(config({ reserve: '5s' })))).changed).toEqual(['fallback.reserve'])
  expect(await places()).toEqual(before)
})
