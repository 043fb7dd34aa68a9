import { readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Audit, CallStory } from '@spillway/gateway-api'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { send } from './raw-client.ts'

const secret = 'the-heron-is-at-the-lake'

async function start(more: object = {}) {
  const claude = forThisTest(await startClaude())
  const folder = temporaryFolder()
  const config = configOf(targetAt(claude, 'anthropic'), undefined, {
    storage: { url: `sqlite:${join(folder, 'ledger.db')}` },
    ...more,
  })
  const { port } = new URL((await gatewayOf(config)).url)
  const url = `http://127.0.0.1:${port}`
  const call = async (stream: boolean): Promise<string> => {
    const { headers, status } = await send(`${url}/v1/messages`, {
      body: {
        ...{ model: 'claude-sonnet-5-5', max_tokens: 100, stream },
        messages: [{ role: 'user', content: secret }],
      },
    })
    expect(status).toBe(200)
    return String(headers['x-spillway-call-id'])
  }
  const get = (path: string, headers = {}) => send(`${url}/api/${path}`, { method: 'GET', headers })
  const story = async (id: string): Promise<CallStory> =>
    vi.waitFor(async () => {
      const { status, text } = await get(`calls/${id}`)
      expect(status).toBe(200)
      return JSON.parse(text)
    }, 5000)
  return { call, get, story, folder, port }
}

/** Everything that the gateway has on disk. */
const onDisk = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
    .join('\n')

it('prompts and answers are not kept unless the configuration says so', async () => {
  const { call, get, story } = await start()
  const id = await call(false)
  expect((await story(id)).hasContent).toBe(false)
  expect((await get(`calls/${id}/content`)).status).toBe(404)
})

it('a call shows what was said, on its page alone, and each look is in the audit log', async () => {
  const { call, get, story, folder } = await start({ telemetry: { captureContent: true } })
  for (const stream of [false, true]) {
    const id = await call(stream)
    expect((await story(id)).hasContent).toBe(true)
    const { status, text } = await get(`calls/${id}/content`)
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { messages: [{ role: 'user', text: secret }], answer: expect.stringMatching(/\w/), isCut: false },
    ])
    const { entries } = await vi.waitFor(async () => {
      const audit = JSON.parse((await get('audit?action=content.read')).text) as Audit
      expect(audit.entries[0]?.subject).toBe(id)
      return audit
    }, 5000)
    expect(entries).toHaveLength(stream ? 2 : 1)
    for (const path of [`calls/${id}`, 'calls', 'calls?format=csv', 'audit', 'usage?format=csv', 'facets'])
      expect((await get(path)).text).not.toContain(secret)
  }
  expect(onDisk(folder)).not.toContain(secret)
  expect((await get('calls/none/content')).status).toBe(404)
})

it('prompts and answers are shown on the machine of the gateway alone, and not through a proxy', async () => {
  const others = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
  const { call, get, port } = await start({
    telemetry: { captureContent: true },
    server: { host: '0.0.0.0', exposed: true, allowedHosts: ['spillway.example'] },
  })
  const id = await call(false)
  const path = `calls/${id}/content`
  for (const headers of [
    { host: 'spillway.example' },
    { 'x-forwarded-for': '203.0.113.9' },
    { forwarded: 'for=203.0.113.9' },
    { via: '1.1 proxy' },
  ])
    expect([headers, (await get(path, headers)).status]).toEqual([headers, 403])
  for (const { address } of others.slice(0, 1)) {
    const own = `http://${address}:${port}/api/${path}`
    expect((await send(own, { method: 'GET' })).status).toBe(403)
    const posing = { method: 'GET', headers: { host: `127.0.0.1:${port}` } }
    expect((await send(own, posing)).status).toBe(403)
  }
  expect((await get(path)).status).toBe(200)
  await vi.waitFor(async () => {
    const { entries } = JSON.parse((await get('audit?action=content.read')).text) as Audit
    expect(entries).toHaveLength(1)
  }, 5000)
})

it('content of a call is as long as the configuration lets it be', async () => {
  const { call, get } = await start({ telemetry: { captureContent: true, maxContentLength: 10 } })
  const id = await call(false)
  const { messages, answer, isCut } = JSON.parse((await get(`calls/${id}/content`)).text)
  expect([messages, answer.length, isCut]).toEqual([[], 10, true])
})
