import { join } from 'node:path'
import type { Audit, CallRow, CallStory, Calls, Facets, Series, Sessions, Usage } from '@spillway/gateway-api'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { parseConfig } from '../src/index.ts'
import { forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

/** A gateway that one caller with a key of its own has asked, and how it is asked. */
async function start() {
  const claude = forThisTest(await startClaude())
  const config = {
    targets: { claude: targetAt(claude, 'anthropic') },
    routes: [{ models: '*', target: 'claude' }],
    storage: { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` },
  }
  const gateway = await gatewayOf(config)
  const call = () =>
    send(`${gateway.url}/v1/messages`, {
      body: messages({}),
      headers: { 'x-api-key': 'a-key-of-bob', 'x-spillway-session': 'talk' },
    })
  const text = async (path: string): Promise<string> =>
    (await send(`${gateway.url}/api/${path}`, { method: 'GET' })).text
  const get = async <T>(path: string): Promise<T> => JSON.parse(await text(path)) as T
  await call()
  const tenant = await vi.waitFor(async () => {
    const { rows } = await get<Usage>('usage?by=tenant')
    expect(rows).toHaveLength(1)
    return rows[0]?.key ?? ''
  }, 15_000)
  const name = (names: Readonly<Record<string, string>>) =>
    gateway.reload(parseConfig(JSON.stringify({ ...config, tenants: { names } }), 'test.yaml').config)
  return { gateway, call, text, get, tenant, name }
}

it('a caller with a key of its own is called what the configuration says, wherever tenants are shown', async () => {
  const { gateway, call, text, get, tenant, name } = await start()
  const tenantName = 'Billing, "Köln"'
  expect((await get<Usage>('usage?by=tenant')).rows[0]?.name).toBeNull()
  const { changed, needRestart } = await name({ [tenant]: tenantName })
  expect([changed, needRestart]).toEqual([['tenants'], []])

  const live = await fetch(`${gateway.url}/api/live`)
  const heard = live.body?.pipeThrough(new TextDecoderStream()).getReader()
  await call()
  let events = ''
  while (!/event: call\ndata: .*\n/.test(events)) events += (await heard?.read())?.value ?? ''
  await heard?.cancel()
  const data = /event: call\ndata: (.*)/.exec(events)?.[1] ?? '{}'
  expect(JSON.parse(data) as CallRow).toMatchObject({ tenant, tenantName })

  const { calls } = await vi.waitFor(async () => {
    const page = await get<Calls>('calls')
    expect(page.calls).toHaveLength(2)
    return page
  }, 15_000)
  const called = expect.objectContaining({ tenant, tenantName })
  expect(calls).toEqual([called, called])
  expect((await get<CallStory>(`calls/${calls[0]?.id}`)).call).toEqual(called)
  expect((await get<Sessions>('sessions')).rows).toEqual([called])
  const row = expect.objectContaining({ key: tenant, name: tenantName })
  expect((await get<Usage>('usage?by=tenant')).rows).toEqual([row])
  expect((await get<Series>('series?by=tenant')).series).toEqual([row])
  expect((await get<Facets>('facets')).facets.tenant).toEqual([{ value: tenant, name: tenantName, calls: 2 }])
  const { entries } = await get<Audit>('audit?action=call')
  expect(entries[0]).toMatchObject({ actor: tenant, actorName: tenantName })
  for (const path of ['calls?limit=5', 'sessions?limit=5', 'usage?by=tenant'])
    expect(await text(`${path}&format=csv`)).toContain(`${tenant},"Billing, ""Köln""",`)
  // A model is no tenant, whatever it is called.
  expect((await get<Usage>('usage?by=model')).rows[0]).not.toHaveProperty('name')
})

it('a search finds calls and audit entries of a tenant by its name', async () => {
  const { get, tenant, name } = await start()
  expect((await get<Calls>('calls?query=billing')).calls).toEqual([])
  await name({ [tenant]: 'Billing' })
  expect((await get<Calls>('calls?query=LLing')).calls).toHaveLength(1)
  expect((await get<Calls>('calls?query=other')).calls).toEqual([])
  const found = await vi.waitFor(async () => {
    const { entries } = await get<Audit>('audit?query=LLing')
    expect(entries).toHaveLength(1)
    return entries
  }, 15_000)
  expect(found[0]?.actor).toBe(tenant)
})

it('a key in the place of its fingerprint is refused, and not repeated', () => {
  const key = 'sk-ant-api03-very-secret-and-long-enough-to-be-one'
  const text = [
    'targets: { claude: { api: anthropic, endpoints: [{ url: "https://api.anthropic.com" }] } }',
    'routes: [{ models: "*", target: claude }]',
    `tenants: { names: { ${key}: Bob } }`,
  ].join('\n')
  let said = ''
  try {
    parseConfig(text, 'spillway.yaml')
  } catch (error) {
    said = String(error)
  }
  expect(said).toContain('expected the fingerprint of a key')
  expect(said).not.toContain(key)
})
