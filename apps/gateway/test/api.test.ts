import { request } from 'node:http'
import {
  type Alerts,
  acts,
  type CallStory,
  type Calls,
  type Facets,
  openApi,
  questions,
  type Series,
  type Sessions,
  type Summary,
  type Targets,
  type Usage,
} from '@spillway/gateway-api'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { livePath } from '../src/api/api-server.ts'
import { safeUrl } from '../src/safe-url.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { eventsOf, messages, send } from './raw-client.ts'

const get = async <T>(url: string): Promise<T> => {
  const { status, text } = await send(url, { method: 'GET' })
  expect(status, text).toBe(200)
  return JSON.parse(text) as T
}

/** A gateway with a target that fails and one that answers. */
async function twoTargets(more: object = {}) {
  const claude = forThisTest(await startClaude())
  const second = forThisTest(await startClaude())
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), targetAt(second, 'anthropic'), more),
  )
  return { claude, second, url: gateway.url, gateway }
}

/** What `/api` says of itself. */
const described = openApi() as unknown as {
  readonly paths: Readonly<Record<string, Described>>
  readonly components: { readonly schemas: Record<string, Schema> }
}

/** All questions that name no call. */
const paths = Object.keys(questions).filter((path) => !path.includes('{id}'))

it('every path of the API is described, with its parameters', async () => {
  const { url } = await twoTargets()
  const ofActs = Object.keys(acts).map((act) => act.split(' ')[1] ?? '')
  const ofLogin = ['/api/login', '/api/logout']
  const known = [...Object.keys(questions), ...ofActs, ...ofLogin, '/api/openapi.json', livePath]
  expect(Object.keys(described.paths).sort()).toEqual([...new Set(known)].sort())
  for (const path of paths) {
    const names = described.paths[path]?.get.parameters?.map(({ name }) => name) ?? []
    const { text } = await send(`${url}${path}?no=1`, { method: 'GET' })
    const expected = names.length === 0 ? 'there are no parameters here' : `there are ${names.join(', ')}`
    expect(JSON.parse(text).error.message).toBe(`no: unknown parameter; ${expected}`)
  }
})

it('every answer has the form that is described', async () => {
  const { url, claude } = await twoTargets()
  claude.next({ type: 'status', status: 529 })
  const { headers } = await send(`${url}/v1/messages`, {
    body: messages(),
    headers: { 'x-spillway-session': 'talk' },
  })
  const ofCall = `/api/calls/${headers['x-spillway-call-id']}`
  await vi.waitFor(() => get(`${url}${ofCall}`), 5000)
  for (const path of [...paths, ofCall]) {
    const { get: answer } = described.paths[path.replace(/calls\/.*/, 'calls/{id}')] as Described
    const schema = answer.responses[200].content['application/json']?.schema ?? {}
    expect(faultsOf(await get(`${url}${path}`), schema, described.components.schemas, path)).toEqual([])
  }
})

it('tells the story of a call: its attempts, what the vendor said, its request id, its conversation', async () => {
  const { url, claude } = await twoTargets()
  claude.next({ type: 'status', status: 529, message: 'the house is full' })
  const { headers } = await send(`${url}/v1/messages`, {
    body: messages(),
    headers: { 'x-spillway-session': 'talk' },
  })
  const story = await vi.waitFor(
    () => get<CallStory>(`${url}/api/calls/${headers['x-spillway-call-id']}`),
    5000,
  )
  expect(story).toMatchObject({
    call: { session: 'talk', target: 'local', fallback: 'overloaded', status: 200 },
    api: 'anthropic',
    isRemembered: true,
  })
  expect(story.attempts.map(({ target, failure, role }) => [target, failure, role])).toEqual([
    ['claude', 'overloaded', 'primary'],
    ['local', null, 'fallback'],
  ])
  expect(story.attempts[0]).toMatchObject({
    message: 'the house is full',
    requestId: expect.stringMatching(/^req_/),
  })
  const missing = await send(`${url}/api/calls/none`, { method: 'GET' })
  expect([missing.status, JSON.parse(missing.text).error.message]).toEqual([
    404,
    'call not found, or already removed',
  ])
})

it('finds calls by range, conversation, status and problems, counts them by facet, and exports them', async () => {
  const { url, claude } = await twoTargets()
  const begin = Date.now()
  for (const session of ['one', 'one', 'two'])
    await send(`${url}/v1/messages`, { body: messages(), headers: { 'x-spillway-session': session } })
  claude.next({ type: 'status', status: 400 })
  await send(`${url}/v1/messages`, { body: messages({ model: '=HYPERLINK("évil")' }) })
  await vi.waitFor(async () => {
    expect((await get<Calls>(`${url}/api/calls?from=${begin}`)).calls).toHaveLength(4)
  }, 5000)
  const found = async (query: string): Promise<number> =>
    (await get<Calls>(`${url}/api/calls?${query}`)).calls.length
  expect(await found('session=one')).toBe(2)
  expect(await found('problems=true')).toBe(1)
  expect(await found('status=400')).toBe(1)
  expect(await found('failure=(none)&range=1h')).toBe(3)
  expect(await found(`to=${begin - 1000}`)).toBe(0)
  const { facets } = await get<Facets>(`${url}/api/facets?problems=true`)
  expect(facets.failure).toEqual([{ value: 'invalid_request', calls: 1 }])
  const { rows } = await get<Sessions>(`${url}/api/sessions?order=calls`)
  expect(rows.map(({ session, calls }) => [session, calls])).toEqual([
    ['one', 2],
    ['two', 1],
  ])
  const { series } = await get<Series>(`${url}/api/series?by=model&range=1h`)
  expect(series.map(({ points }) => points.reduce((sum, { calls }) => sum + calls, 0))).toContain(3)
  const csv = await send(`${url}/api/calls?format=csv`, { method: 'GET' })
  expect(csv.headers['content-type']).toContain('text/csv')
  expect(csv.headers['content-disposition']).toBe('attachment; filename="calls.csv"')
  expect(csv.text.split('\r\n')).toHaveLength(6)
  // A spreadsheet must not run what a caller wrote.
  expect(csv.text).toContain(`"'=HYPERLINK(""évil"")"`)
  // Excel reads a file without this mark in the code page of its machine.
  expect(csv.text).toMatch(/^\ufeffid,/)
})

it('says what needs a person: an open circuit, and where', async () => {
  const { url, claude } = await twoTargets({ circuitBreaker: { minimumCalls: 1, failureRate: 0.5 } })
  expect((await get<Alerts>(`${url}/api/alerts`)).alerts).toEqual([])
  claude.next({ type: 'status', status: 500 })
  await send(`${url}/v1/messages`, { body: messages() })
  expect((await get<Alerts>(`${url}/api/alerts`)).alerts).toMatchObject([
    { kind: 'circuit_open', severity: 'critical', subject: 'claude/1' },
  ])
})

it('sums up calls, attempts, tokens and costs', async () => {
  const { url, claude } = await twoTargets()
  await send(`${url}/v1/messages`, { body: messages() })
  claude.next({ type: 'status', status: 529 })
  await send(`${url}/v1/messages`, { body: messages() })
  await vi.waitFor(async () => {
    const summary = await get<Summary>(`${url}/api/summary?range=1h`)
    expect(summary).toMatchObject({ calls: 2, errors: 0, fallbacks: 1, retries: 1 })
    expect(BigInt(summary.costNano)).toBeGreaterThan(0n)
    expect(summary.series).toHaveLength(60)
    expect(summary.series.reduce((all, { calls }) => all + calls, 0)).toBe(2)
  }, 10_000)
  const { rows } = await get<Usage>(`${url}/api/usage?by=target`)
  expect(rows.map(({ key, attempts, errors }) => [key, attempts, errors])).toEqual([
    ['claude', 2, 1],
    ['local', 1, 0],
  ])
})

it('lists calls newest first, in pages, by what is asked for', async () => {
  const { url, claude } = await twoTargets()
  for (const model of ['claude-a', 'claude-b', 'claude-c'])
    await send(`${url}/v1/messages`, { body: messages({ model }) })
  claude.next({ type: 'status', status: 400 })
  await send(`${url}/v1/messages`, { body: messages({ model: 'claude-d' }) })
  const first = await get<Calls>(`${url}/api/calls?limit=3`)
  expect(first.calls.map(({ model }) => model)).toEqual(['claude-d', 'claude-c', 'claude-b'])
  const second = await get<Calls>(`${url}/api/calls?limit=3&before=${first.next}`)
  expect(second.calls.map(({ model }) => model)).toEqual(['claude-a'])
  expect(second.next).toBeUndefined()
  const failed = await get<Calls>(`${url}/api/calls?failure=invalid_request`)
  expect(failed.calls.map(({ model }) => model)).toEqual(['claude-d'])
  expect((await get<Calls>(`${url}/api/calls?query=de-b`)).calls).toHaveLength(1)
})

it('shows limits, circuits and what became of them', async () => {
  const { url, claude } = await twoTargets({
    rateLimit: { requestsPerMinute: 100 },
    circuitBreaker: { minimumCalls: 2, failureRate: 0.5 },
  })
  claude.always({ type: 'status', status: 500 })
  for (let i = 0; i < 3; i++) await send(`${url}/v1/messages`, { body: messages() })
  const { targets } = await get<Targets>(`${url}/api/targets`)
  const [endpoint] = targets[0]?.endpoints ?? []
  expect(endpoint).toMatchObject({
    url: claude.url,
    headroom: { requestsPerMinute: { used: 2, limit: 100 } },
  })
  const open = endpoint?.circuits.find(({ state }) => state === 'open')
  expect(open?.history).toMatchObject([{ from: 'closed', to: 'open' }])
})

describe('a question that cannot be answered', () => {
  it.each([
    ['/api/summary?range=1y', 400, 'range: expected one of 15m, 1h, 24h, 7d, 30d'],
    ['/api/summary?rnge=1h', 400, 'rnge: unknown parameter; there are range'],
    ['/api/usage?by=colour', 400, 'by: expected one of model, tenant, target, role, day'],
    ['/api/calls?limit=0', 400, 'limit: expected a whole number from 1 to 1000'],
    ['/api/calls?limit=5&limit=6', 400, 'limit: given more than once'],
    ['/api/audit?before=x', 400, 'before: expected a whole number'],
    ['/api/calls?before=x', 400, 'before: expected `next` of another page'],
    ['/api/calls?before=1.', 400, 'before: expected `next` of another page'],
    ['/api/nothing', 404, 'no such path: /api/nothing; there are /api/summary'],
    ['/api/constructor', 404, 'no such path'],
  ])('%s gets %i and what to do', async (path, status, message) => {
    const { url } = await twoTargets()
    const answer = await send(`${url}${path}`, { method: 'GET' })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toEqual({ error: { status, message: expect.stringContaining(message) } })
  })

  it('POST gets 405', async () => {
    const { url } = await twoTargets()
    const answer = await send(`${url}/api/summary`, { body: {} })
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD'])
  })
})

it('live events tell of calls and circuits, and end when the gateway stops', async () => {
  const { url, gateway, claude } = await twoTargets({ circuitBreaker: { minimumCalls: 1, failureRate: 0.5 } })
  let text = ''
  let hasEnded = false
  const client = request(`${url}/api/live`, (response) => {
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
    })
    response.on('end', () => {
      hasEnded = true
    })
  })
  client.end()
  onTestFinished(() => void client.destroy())
  await vi.waitFor(() => expect(text).toContain('event: ping'), 5000)
  claude.next({ type: 'status', status: 500 })
  await send(`${url}/v1/messages`, { body: messages() })
  await vi.waitFor(() => {
    const events = eventsOf(text)
    expect(events.find(({ name }) => name === 'call')?.data).toMatchObject({ target: 'local', attempts: 2 })
    expect(events.find(({ name }) => name === 'circuit')?.data).toMatchObject({
      target: 'claude',
      circuit: { state: 'open' },
    })
  }, 10_000)
  await gateway.close(5000)
  expect(hasEnded).toBe(true)
})

it('no answer holds the gateway’s key, or what an address should not say', async () => {
  expect(safeUrl('https://name:secret@host.example:8443/v1/?key=secret#secret')).toBe(
    'https://host.example:8443/v1',
  )
  const { url } = await twoTargets()
  await send(`${url}/v1/messages`, { body: messages() })
  for (const path of paths)
    expect((await send(`${url}${path}`, { method: 'GET' })).text).not.toContain(ownKey.value)
})

it('whatever a parameter is, the answer is an error of the one who asks, not of the ledger', async () => {
  const { url } = await twoTargets()
  const complaints: unknown[] = []
  const spy = vi.spyOn(console, 'error').mockImplementation((...args) => void complaints.push(args))
  onTestFinished(() => spy.mockRestore())
  const odd = [
    '',
    '0',
    '-1',
    '1',
    '1e3',
    '1.x',
    '.x',
    '9'.repeat(15),
    '9'.repeat(40),
    `${'9'.repeat(15)}.x`,
    'NaN',
    '%00',
  ]
  const odder = ['%ff', '%27', '%25', '__proto__', '%F0%9F%8E%89', `${'%5B'.repeat(60)}`]
  for (const path of paths) {
    for (const { name } of described.paths[path]?.get.parameters ?? [])
      for (const value of [...odd, ...odder]) {
        const { status, text } = await send(`${url}${path}?${name}=${value}`, { method: 'GET' })
        expect([200, 400], `${path}?${name}=${value}: ${text}`).toContain(status)
      }
  }
  expect(complaints).toEqual([])
})

interface Described {
  readonly get: {
    readonly parameters?: readonly { readonly name: string }[]
    readonly responses: { readonly 200: { readonly content: Record<string, { readonly schema: Schema }> } }
  }
}

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly properties?: Record<string, Schema>
}

/** Where a value is not what a schema says; names that no schema knows are faults too. */
function faultsOf(value: unknown, schema: Schema, known: Record<string, Schema>, at: string): string[] {
  const { $ref, anyOf, items, required = [], properties, type } = schema
  if ($ref !== undefined) return faultsOf(value, known[$ref.split('/').at(-1) ?? ''] ?? {}, known, at)
  if (anyOf !== undefined) {
    const all = anyOf.map((each) => faultsOf(value, each, known, at))
    return all.some(({ length }) => length === 0) ? [] : (all[0] as string[])
  }
  if (schema.enum !== undefined) return schema.enum.includes(value) ? [] : [`${at}: ${value}`]
  const is =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'array'
        : Number.isInteger(value) && [type].flat().includes('integer')
          ? 'integer'
          : typeof value
  const types = type === undefined ? [] : [type].flat()
  if (types.length > 0 && !types.includes(is)) return [`${at}: ${is}, not ${type}`]
  if (is === 'array' && items !== undefined)
    return (value as unknown[]).flatMap((each, i) => faultsOf(each, items, known, `${at}[${i}]`))
  if (properties === undefined) return []
  const names = Object.keys(value as object)
  return [
    ...required.filter((name) => !names.includes(name)).map((name) => `${at}.${name} is missing`),
    ...names.flatMap((name) =>
      properties[name] === undefined
        ? [`${at}.${name} is not described`]
        : faultsOf((value as Record<string, unknown>)[name], properties[name], known, `${at}.${name}`),
    ),
  ]
}

it('the live row of a call costs what the ledger says, geography included', async () => {
  const { url } = await twoTargets()
  let text = ''
  const client = request(`${url}/api/live`, (response) => {
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
    })
  })
  client.end()
  onTestFinished(() => void client.destroy())
  await vi.waitFor(() => expect(text).toContain('event: ping'), 5000)
  await send(`${url}/v1/messages`, { body: messages({ inference_geo: 'us' }) })
  await vi.waitFor(async () => {
    const live = eventsOf(text).find(({ name }) => name === 'call')?.data as { costNano: string } | undefined
    const { calls } = await get<Calls>(`${url}/api/calls`)
    expect(live?.costNano).toMatch(/^[1-9]/)
    expect(calls.map(({ costNano }) => costNano)).toEqual([live?.costNano])
  }, 10_000)
})
