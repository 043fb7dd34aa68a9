import { join } from 'node:path'
import type { Audit } from '@spillway/gateway-api'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { newClientKey } from '../src/clients/client-key.ts'
import { type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { clientsOf, type TestClients } from './clients.ts'
import { configOf, targetAt, temporaryFolder } from './gateway.ts'
import { openSocket, type Received, type Sending, send } from './raw-client.ts'

const model = 'claude-opus-5-5'
const question = { model, max_tokens: 100, messages: [{ role: 'user', content: 'Hello?' }] }

let claude: SimulatedServer
beforeAll(async () => {
  claude = await startClaude({ models: [model] })
})
afterAll(() => claude.close())

interface Setting {
  readonly gateway: Gateway
  readonly clients: TestClients
  readonly said: string[]
  ask(path: string, sending?: Sending): Promise<Received>
  logIn(name: string, headers?: Record<string, string>): Promise<Login>
}

interface Login {
  readonly cookie: string
  readonly setCookie: string
  readonly csrf: string
}

const usual = {
  ops: { permissions: ['admin'] },
  viewer: { permissions: ['admin:read'] },
  scraper: { permissions: ['metrics'] },
  web: { permissions: ['chat'] },
}

async function start(
  server: object = {},
  clientSettings: Parameters<typeof clientsOf>[0] = usual,
): Promise<Setting> {
  const clients = await clientsOf(clientSettings)
  const config = configOf(targetAt(claude, 'anthropic'), undefined, {
    server: { ...clients.server, ...server },
    storage: { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` },
    telemetry: { captureContent: true },
  })
  const said: string[] = []
  const gateway = await startGateway(parseConfig(stringify(config), 'test.yaml').config, {
    ...{ port: 0, log: (line: string) => said.push(line) },
  })
  onTestFinished(() => gateway.close(0))
  const ask = (path: string, { method = 'GET', headers = {}, body }: Sending = {}) =>
    send(`${gateway.url}${path}`, { method, body, headers: { 'x-api-key': '', ...headers } })
  return {
    ...{ gateway, clients, said, ask },
    async logIn(name, headers = {}) {
      const answer = await ask('/api/login', { method: 'POST', headers, body: { key: clients.keys[name] } })
      expect([answer.status, answer.text]).toEqual([200, expect.stringContaining(`"name":"${name}"`)])
      const [setCookie = ''] = answer.headers['set-cookie'] ?? []
      return { setCookie, cookie: setCookie.split(';')[0] ?? '', csrf: JSON.parse(answer.text).operator.csrf }
    },
  }
}

const bearer = ({ clients }: Setting, name: string) => ({ authorization: `Bearer ${clients.keys[name]}` })

const auditOf = async (at: Setting, action: string): Promise<Audit['entries']> => {
  const { text } = await at.ask(`/api/audit?action=${action}`, { headers: bearer(at, 'ops') })
  return JSON.parse(text).entries
}

describe('paths of the operator, with auth: keys', () => {
  it('need a key with the permission, or a session, from this machine too', async () => {
    const at = await start()
    const statuses = async (path: string, method = 'GET') => {
      const given = [{}, ...['web', 'scraper', 'viewer', 'ops'].map((name) => bearer(at, name))]
      const all = await Promise.all(given.map((headers) => at.ask(path, { method, headers })))
      return all.map(({ status }) => status)
    }
    expect(await statuses('/metrics')).toEqual([401, 403, 200, 403, 200])
    expect(await statuses('/api/targets')).toEqual([401, 403, 403, 200, 200])
    expect(await statuses('/api/targets', 'HEAD')).toEqual([401, 403, 403, 200, 200])
    expect(await statuses('/api/openapi.json')).toEqual([401, 403, 403, 200, 200])
    expect(await statuses('/api/nothing')).toEqual([401, 403, 403, 404, 404])
    expect(await statuses('/api/targets?open=limits&target=claude', 'POST')).toEqual([
      401, 403, 403, 403, 200,
    ])
    expect(await statuses('/api/calls/x/content')).toEqual([401, 403, 403, 403, 404])
    expect(await statuses('/healthz')).toEqual([200, 200, 200, 200, 200])
    // What holds nothing of this gateway is open, or nobody could log in.
    expect(await statuses('/')).toEqual([200, 200, 200, 200, 200])
    const { headers, text } = await at.ask('/api/targets')
    expect([headers['www-authenticate'], headers['cache-control'], JSON.parse(text).error.status]).toEqual([
      'Bearer realm="spillway"',
      'no-store',
      401,
    ])
    const limited = await at.ask('/api/targets', { headers: bearer(at, 'web') })
    expect(JSON.parse(limited.text).error.message).toBe('web lacks the permission admin:read')
  })

  it('see no other spelling of a path as theirs', async () => {
    const at = await start()
    const session = await at.logIn('ops')
    const raw = async (line: string, more: readonly string[] = []): Promise<number> => {
      const { host } = new URL(at.gateway.url)
      const head = [line, `host: ${host}`, ...more, 'connection: close', '', ''].join('\r\n')
      const { closed, received } = await openSocket(at.gateway.url, head)
      await closed
      return Number(received().split(' ')[1])
    }
    const paths = [
      ...['//api/targets', '/api//targets', '/./api/targets', '/x/../api/targets', '/api/../api/targets'],
      ...[
        '/API/targets',
        '/Api/targets',
        '/api%2ftargets',
        '/%61pi/targets',
        '/api/%74argets',
        '/api;x/targets',
      ],
      ...[
        '/api/login/../targets',
        '/api/login%2f..%2ftargets',
        '/api/login;/targets',
        '/assets/../api/targets',
      ],
      ...[
        '/metrics/../api/targets',
        '//metrics',
        '/metrics%00',
        '/METRICS',
        '/healthz/../metrics',
        '/api\\targets',
      ],
    ]
    for (const path of paths) {
      const open = await raw(`GET ${path} HTTP/1.1`)
      expect([path, open]).toEqual([path, path.startsWith('/assets/') ? 404 : 401])
      const cookie = await raw(`GET ${path} HTTP/1.1`, [`cookie: ${session.cookie}`])
      expect([path, cookie === 200]).toEqual([path, false])
    }
    for (const target of ['/api/targets', '/metrics']) {
      const { host } = new URL(at.gateway.url)
      for (const line of [
        `GET http://${host}${target} HTTP/1.1`,
        `GET ${target}/ HTTP/1.1`,
        `GET ${target}? HTTP/1.1`,
      ]) {
        expect([line, await raw(line)]).toEqual([line, 401])
        expect([line, await raw(line, [`authorization: Bearer ${at.clients.keys.ops}`])]).toEqual([line, 200])
      }
    }
    // Headers by which proxies pass on who someone is, or what was meant, are worth nothing.
    for (const header of [
      'x-forwarded-for: 127.0.0.1',
      'x-real-ip: 127.0.0.1',
      'x-original-url: /healthz',
      'x-rewrite-url: /healthz',
      'x-http-method-override: GET',
      'x-forwarded-user: ops',
      'x-webauth-user: ops',
      'remote-user: ops',
      'authorization: Basic b3BzOm9wcw==',
      'Authorization : Bearer x',
    ])
      expect([header, (await raw('GET /api/targets HTTP/1.1', [header])) >= 400]).toEqual([header, true])
    expect(await raw('OPTIONS /api/targets HTTP/1.1')).toBe(401)
    expect(await raw('TRACE /api/targets HTTP/1.1')).toBe(401)
    expect(await raw('TRACE /api/targets HTTP/1.1', [`authorization: Bearer ${at.clients.keys.ops}`])).toBe(
      405,
    )
  })

  it('take a key in the URL from nobody', async () => {
    const at = await start()
    const { status, text } = await at.ask(`/api/targets?key=${at.clients.keys.ops}`, {
      headers: bearer(at, 'ops'),
    })
    expect([status, text]).toEqual([401, expect.stringContaining('replace it')])
  })
})

describe('a session', () => {
  it('comes for a key, in a cookie that scripts cannot read and that holds no key', async () => {
    const at = await start()
    const { setCookie, cookie } = await at.logIn('ops')
    const { port } = new URL(at.gateway.url)
    expect(setCookie).toMatch(
      new RegExp(`^spillway-session-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
    )
    const { host } = new URL(at.gateway.url)
    const overTls = await at.logIn('ops', { origin: `https://${host}`, 'sec-fetch-site': 'same-origin' })
    expect(overTls.setCookie).toMatch(
      new RegExp(`^__Host-spillway-session-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Secure$`),
    )
    for (const each of [cookie, overTls.cookie])
      expect((await at.ask('/api/targets', { headers: { cookie: each } })).status).toBe(200)
    const who = JSON.parse((await at.ask('/api/login', { headers: { cookie } })).text)
    expect(who).toMatchObject({
      login: true,
      operator: { name: 'ops', by: 'session', permissions: expect.arrayContaining(['admin:write']) },
    })
    expect(JSON.parse((await at.ask('/api/login')).text)).toEqual({ login: true, operator: null })
    // A proxy that adds its own password to every request is in nobody's way.
    const basic = { cookie, authorization: 'Basic b3BzOm9wcw==' }
    expect((await at.ask('/api/targets', { headers: basic })).status).toBe(200)
  })

  it('makes no model calls, and goes to no upstream', async () => {
    const at = await start()
    const { cookie, csrf } = await at.logIn('ops')
    const before = claude.requests.length
    const headers = { cookie, 'x-spillway-csrf': csrf }
    for (const path of ['/v1/messages', '/v1/chat/completions', '/v1/messages/batches', '/v1/models'])
      expect([path, (await at.ask(path, { method: 'POST', headers, body: question })).status]).toEqual([
        path,
        401,
      ])
    expect(claude.requests.length).toBe(before)
    const both = { ...headers, authorization: `Bearer ${at.clients.keys.web}` }
    expect((await at.ask('/v1/messages', { method: 'POST', headers: both, body: question })).status).toBe(200)
    expect(JSON.stringify(claude.requests.slice(before))).not.toMatch(/spillway-session|csrf/)
  })

  it('is always a new one: what a browser brings is never taken for one', async () => {
    const at = await start()
    const { port } = new URL(at.gateway.url)
    const fixed = `spillway-session-${port}=${'a'.repeat(43)}`
    const first = await at.logIn('ops', { cookie: fixed })
    expect(first.cookie).not.toBe(fixed)
    expect((await at.ask('/api/targets', { headers: { cookie: fixed } })).status).toBe(401)
    const second = await at.logIn('ops', { cookie: first.cookie })
    expect(second.cookie).not.toBe(first.cookie)
    expect((await at.ask('/api/targets', { headers: { cookie: first.cookie } })).status).toBe(401)
    // One that a neighbour has set beside: alone it is only what it is, together it is nobody's.
    const neighbour = await at.logIn('viewer')
    const both = { cookie: `${second.cookie}; ${neighbour.cookie}` }
    expect((await at.ask('/api/targets', { headers: both })).status).toBe(401)
    expect((await at.ask('/api/targets', { headers: { cookie: `${fixed}; ${second.cookie}` } })).status).toBe(
      200,
    )
  })

  it('ends with its logout, and with its key', async () => {
    const at = await start()
    const { cookie, csrf } = await at.logIn('ops')
    const out = await at.ask('/api/logout', { method: 'POST', headers: { cookie, 'x-spillway-csrf': csrf } })
    expect([out.status, out.headers['set-cookie']?.[0]]).toEqual([200, expect.stringContaining('Max-Age=0')])
    expect((await at.ask('/api/targets', { headers: { cookie } })).status).toBe(401)

    const viewer = await at.logIn('viewer')
    const status = async () => (await at.ask('/api/targets', { headers: { cookie: viewer.cookie } })).status
    const live = fetch(`${at.gateway.url}/api/live`, { headers: { cookie: viewer.cookie } })
    const stream = (await live).text().catch((error: Error) => error.message)
    await at.clients.revoke('viewer')
    const began = performance.now()
    await expect.poll(status, { interval: 20, timeout: 5_000 }).toBe(401)
    await stream
    expect(performance.now() - began).toBeLessThan(process.env.CI ? 4_000 : 1_500)
  })

  it('acts only for a page of this gateway that knows its token; a key needs none', async () => {
    const at = await start()
    const { cookie, csrf } = await at.logIn('ops')
    const { host } = new URL(at.gateway.url)
    const act = async (headers: Record<string, string>): Promise<number> =>
      (await at.ask('/api/targets?open=limits&target=claude', { method: 'POST', headers })).status
    const own = { cookie, 'x-spillway-csrf': csrf }
    for (const headers of [
      own,
      { ...own, origin: `http://${host}` },
      { ...own, 'sec-fetch-site': 'same-origin' },
    ])
      expect(await act(headers)).toBe(200)
    const refused: readonly Record<string, string>[] = [
      { cookie },
      { cookie, 'x-spillway-csrf': '' },
      { cookie, 'x-spillway-csrf': 'a'.repeat(43) },
      { cookie, 'x-spillway-csrf': `${csrf}x` },
      { ...own, origin: 'null' },
      { ...own, origin: 'https://evil.example' },
      { ...own, origin: `http://${host}.evil.example` },
      { ...own, origin: 'http://127.0.0.1:1' },
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'same-site' },
      { ...own, 'sec-fetch-site': 'same-site', origin: `http://${host}` },
    ]
    for (const headers of refused) expect([headers, await act(headers)]).toEqual([headers, 403])
    // Reads too: a page on another port of this machine has the same site, and its cookies.
    for (const headers of [{ 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'cross-site' }])
      expect((await at.ask('/api/targets', { headers: { cookie, ...headers } })).status).toBe(403)
    expect(await act(bearer(at, 'ops'))).toBe(200)
    const entries = await vi.waitFor(async () => {
      const found = await auditOf(at, 'limits.opened')
      expect(found).toHaveLength(4)
      return found
    }, 8_000)
    expect(entries.map(({ actor, details }) => [actor, details.by, details.from])).toEqual([
      ['ops', 'key', '127.0.0.1'],
      ...Array(3).fill(['ops', 'session', '127.0.0.1']),
    ])
  })

  it('is not lent to pages of server.allowedOrigins, which present keys', async () => {
    const origin = 'http://localhost:3000'
    const at = await start({ allowedOrigins: [origin] })
    const { cookie, csrf } = await at.logIn('ops')
    const headers = { cookie, origin, 'x-spillway-csrf': csrf }
    expect((await at.ask('/api/targets', { headers })).status).toBe(403)
    expect((await at.ask('/api/targets?open=limits&target=claude', { method: 'POST', headers })).status).toBe(
      403,
    )
    const body = { key: at.clients.keys.ops }
    expect((await at.ask('/api/login', { method: 'POST', headers: { origin }, body })).status).toBe(403)
    const answer = await at.ask('/api/targets', { headers: { origin, ...bearer(at, 'ops') } })
    expect([answer.status, answer.headers['access-control-allow-credentials']]).toEqual([200, undefined])
  })
})

describe('the login', () => {
  it('says of no key whether there is one, and notes each attempt', async () => {
    const at = await start({}, { ...usual, late: { permissions: ['admin'], expiresAt: Date.now() - 1 } })
    const { keys } = at.clients
    const attempt = (body: unknown) => at.ask('/api/login', { method: 'POST', body })
    const wrong = [
      newClientKey(),
      keys.late,
      keys.web,
      keys.scraper,
      `${keys.ops}x`,
      'sk-ant-x',
      '',
      'x'.repeat(9),
    ]
    const answers = []
    for (const key of wrong) answers.push(await attempt({ key }))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect([answers[0]?.status, answers[0]?.headers['set-cookie']]).toEqual([401, undefined])
    await at.logIn('ops')
    const entries = await vi.waitFor(async () => {
      const found = await auditOf(at, 'login.refused')
      expect(found).toHaveLength(wrong.length)
      return found
    }, 8_000)
    expect(entries.map(({ details }) => details.why)).toEqual(
      ['foreign', 'foreign', 'foreign', 'mistyped', 'scraper', 'web', 'unknown', 'unknown'].map((each) =>
        each === 'scraper' || each === 'web' ? `${each} lacks admin:read` : `the key is ${each}`,
      ),
    )
    expect((await auditOf(at, 'login.accepted'))[0]).toMatchObject({
      actor: 'ops',
      details: { from: '127.0.0.1' },
    })
    for (const secret of Object.values(keys))
      expect(`${JSON.stringify(entries)}${at.said}`).not.toContain(secret)
    expect(at.said.filter((line) => line.includes('was refused'))).toHaveLength(wrong.length)
  })

  it('takes nothing but a small JSON object, which a form of another site cannot send', async () => {
    const at = await start()
    const key = at.clients.keys.ops
    const attempt = async (type: string, body: string, more = {}): Promise<number> =>
      (await at.ask('/api/login', { method: 'POST', body, headers: { 'content-type': type, ...more } }))
        .status
    const json = JSON.stringify({ key })
    expect(await attempt('text/plain', json)).toBe(415)
    expect(await attempt('application/x-www-form-urlencoded', `key=${key}`)).toBe(415)
    expect(await attempt('application/json', json, { 'content-encoding': 'gzip' })).toBe(415)
    expect(await attempt('application/json', `[${json}]`)).toBe(400)
    expect(await attempt('application/json', '{"key":')).toBe(400)
    expect(await attempt('application/json', JSON.stringify({ key: [key] }))).toBe(401)
    expect(await attempt('application/json', JSON.stringify({ key, pad: 'x'.repeat(70_000) }))).toBe(413)
    expect(await attempt('application/json; charset=utf-8', json, { 'x-forwarded-for': '192.0.2.1' })).toBe(
      200,
    )
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect((await at.ask('/api/login', { method })).status).toBe(405)
    expect((await at.ask('/api/logout')).status).toBe(405)
  })

  it('makes an address wait that fails again and again, also at once, and says for how long', async () => {
    const at = await start()
    const body = { key: newClientKey() }
    const attempts = Array.from({ length: 30 }, () => at.ask('/api/login', { method: 'POST', body }))
    const statuses = (await Promise.all(attempts)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
    const next = await at.ask('/api/login', { method: 'POST', body: { key: at.clients.keys.ops } })
    expect([next.status, Number(next.headers['retry-after'])]).toEqual([429, 6])
    // A session or a key is not held up.
    expect((await at.ask('/api/targets', { headers: bearer(at, 'ops') })).status).toBe(200)
    await vi.waitFor(async () => expect(await auditOf(at, 'login.throttled')).toHaveLength(1), 8_000)
    expect(await auditOf(at, 'login.refused')).toHaveLength(10)
  })
})

describe('server.admin', () => {
  it('login asks operators where clients are not asked', async () => {
    const at = await start({ auth: 'none', admin: 'login' })
    expect((await at.ask('/v1/messages', { method: 'POST', body: question })).status).toBe(200)
    expect((await at.ask('/api/targets')).status).toBe(401)
    expect((await at.ask('/metrics', { headers: bearer(at, 'scraper') })).status).toBe(200)
    const { cookie } = await at.logIn('ops')
    const before = claude.requests.length
    const headers = { cookie }
    expect((await at.ask('/v1/messages', { method: 'POST', body: question, headers })).status).toBe(200)
    expect(JSON.stringify(claude.requests.slice(before))).not.toContain('spillway-session')
  })

  it('open lets programs of this machine in beside clients with keys, and no proxy', async () => {
    const at = await start({ admin: 'open' })
    expect((await at.ask('/api/targets')).status).toBe(200)
    expect((await at.ask('/metrics')).status).toBe(200)
    expect((await at.ask('/api/targets', { headers: { 'x-forwarded-for': '192.0.2.1' } })).status).toBe(401)
    expect((await at.ask('/api/targets', { headers: bearer(at, 'web') })).status).toBe(403)
    expect((await at.ask('/v1/messages', { method: 'POST', body: question })).status).toBe(401)
    expect((await at.ask('/api/login', { method: 'POST', body: {} })).status).toBe(404)
    expect(JSON.parse((await at.ask('/api/login')).text)).toMatchObject({
      login: false,
      operator: { name: 'anyone', by: 'open', csrf: null },
    })
  })
})

describe('clients at /api', () => {
  const json = (received: Received) => [received.status, JSON.parse(received.text)] as const

  it('are added, changed, rotated and revoked, at once, with what they may see of it', async () => {
    const at = await start()
    const ops = bearer(at, 'ops')
    const act = async (method: string, path: string, body?: object, headers = {}) =>
      json(await at.ask(`/api/clients${path}`, { method, body, headers: { ...ops, ...headers } }))
    const status = async (key: string): Promise<number> =>
      (await at.ask('/v1/messages', { method: 'POST', body: question, headers: { 'x-api-key': key } })).status
    const [created, { client, key }] = await act('POST', '', {
      name: 'new',
      team: 'shop',
      models: ['claude-*'],
    })
    expect([created, client]).toMatchObject([
      201,
      { name: 'new', state: 'active', team: 'shop', permissions: ['chat', 'tools'], lastUsedAt: null },
    ])
    expect(await status(key)).toBe(200)
    const [, listed] = await act('GET', '')
    const found = listed.clients.find(({ name }: { name: string }) => name === 'new')
    expect(found).toMatchObject({ revision: client.revision, lastUsedAt: expect.any(Number) })
    expect(JSON.stringify(listed)).not.toMatch(/sw-\w{10}|hash/)

    // One field, and nothing else; null lifts a limit.
    const [, changed] = await act('PATCH', '/new', { maxTokens: 50 }, { 'if-match': `"${client.revision}"` })
    expect(changed).toMatchObject({
      team: 'shop',
      maxTokens: 50,
      models: ['claude-*'],
      permissions: ['chat', 'tools'],
    })
    expect(await status(key)).toBe(403)
    const [stale] = await act('PATCH', '/new', { team: null }, { 'if-match': `"${client.revision}"` })
    expect(stale).toBe(412)
    const [, lifted] = await act('PATCH', '/new', { maxTokens: null, team: null, models: ['*'] })
    expect(lifted).toMatchObject({ team: null, maxTokens: null, models: null })

    const [, turned] = await act('POST', '/new/rotate', { overlap: 60_000 })
    expect(await Promise.all([status(key), status(turned.key)])).toEqual([200, 200])
    const [, last] = await act('POST', '/new/rotate', { overlap: 0 })
    expect(await Promise.all([status(key), status(turned.key), status(last.key)])).toEqual([401, 401, 200])
    expect(await act('POST', '/new/revoke')).toMatchObject([200, { state: 'revoked' }])
    expect(await status(last.key)).toBe(401)

    const acts = await vi.waitFor(async () => {
      const { text } = await at.ask('/api/audit?query=client.', { headers: ops })
      const entries = JSON.parse(text).entries as Audit['entries']
      expect(entries).toHaveLength(6)
      return entries
    }, 8_000)
    expect(acts.map(({ action, actor, subject }) => `${actor} ${action} ${subject}`)).toEqual(
      ['revoked', 'rotated', 'rotated', 'changed', 'changed', 'added'].map(
        (each) => `ops client.${each} new`,
      ),
    )
    for (const secret of [key, turned.key, last.key])
      expect(JSON.stringify(acts)).not.toContain(secret.slice(7))
  })

  it('say what is wrong', async () => {
    const at = await start()
    const wrong: readonly (readonly [string, string, object | undefined, number, string])[] = [
      ['POST', '', { name: 'web' }, 409, 'there is a client called web already'],
      ['POST', '', { name: 'a b' }, 400, 'name: expected a name of at most 64'],
      ['POST', '', {}, 400, 'name: expected a name'],
      ['POST', '', { name: 'x', permissions: ['all'] }, 400, 'permissions: there is no all'],
      ['POST', '', { name: 'x', expiresAt: 1 }, 400, 'expiresAt: expected a time to come'],
      ['POST', '', { name: 'x', revokedAt: 1 }, 400, 'revokedAt: is not known here'],
      ['POST', '', { name: 'x', keys: [] }, 400, 'keys: is not known here'],
      ['POST', '', { name: '__proto__' }, 400, 'name: expected a name of at most 64'],
      ['PATCH', '/web', { name: 'other' }, 400, 'name: is not known here'],
      ['PATCH', '/web', {}, 400, 'nothing to change'],
      ['PATCH', '/nobody', { team: 'a' }, 404, 'there is no client called nobody'],
      ['PATCH', '/__proto__', { team: 'a' }, 404, 'there is no client'],
      ['POST', '/web/rotate', { overlap: -1 }, 400, 'overlap: expected milliseconds'],
      ['POST', '/nobody/revoke', {}, 404, 'there is no client called nobody'],
      ['POST', '/web/delete', {}, 405, 'is not allowed here'],
      ['DELETE', '/web', undefined, 405, 'use PATCH'],
      ['PUT', '', {}, 405, 'use GET, HEAD, POST'],
    ]
    for (const [method, path, body, status, message] of wrong) {
      const answer = await at.ask(`/api/clients${path}`, { method, body, headers: bearer(at, 'ops') })
      expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(message)])
    }
  })

  it('never get more than who makes them has', async () => {
    const at = await start(
      {},
      {
        ...usual,
        limited: { permissions: ['admin:read', 'admin:write'] },
        writer: { permissions: ['admin:write'] },
      },
    )
    const limited = bearer(at, 'limited')
    const act = async (method: string, path: string, body: object = {}, headers = limited): Promise<number> =>
      (await at.ask(`/api/clients${path}`, { method, body, headers })).status
    expect(await act('POST', '', { name: 'reader', permissions: ['admin:read', 'chat'] })).toBe(201)
    expect(await act('POST', '', { name: 'more', permissions: ['admin:content'] })).toBe(403)
    expect(await act('POST', '', { name: 'more', permissions: ['admin'] })).toBe(403)
    expect(await act('PATCH', '/limited', { permissions: ['admin'] })).toBe(403)
    expect(await act('PATCH', '/web', { permissions: ['chat', 'metrics'] })).toBe(403)
    // The key of a client that may more would be more.
    expect(await act('POST', '/ops/rotate')).toBe(403)
    expect(await act('POST', '/reader/rotate')).toBe(200)
    // What it has already may come back with the rest of a form; taking away is no more.
    expect(await act('PATCH', '/ops', { team: 'it', permissions: ['admin'] })).toBe(200)
    expect(await act('POST', '/ops/revoke')).toBe(200)
    for (const name of ['viewer', 'web', 'scraper'])
      expect([name, await act('POST', '', { name: 'x' }, bearer(at, name))]).toEqual([name, 403])
    expect(await act('POST', '', { name: 'by-writer' }, bearer(at, 'writer'))).toBe(201)
    expect(await act('GET', '', undefined, bearer(at, 'writer'))).toBe(403)
  })

  it('change under the same lock as by the command line, many at once', async () => {
    const at = await start()
    const headers = bearer(at, 'ops')
    const names = Array.from({ length: 8 }, (_, index) => `many-${index}`)
    const added = names.map((name) => at.ask('/api/clients', { method: 'POST', body: { name }, headers }))
    const statuses = (await Promise.all([...added, at.clients.revoke('web')])).slice(0, 8)
    expect(statuses.map((each) => (each as Received).status)).toEqual(names.map(() => 201))
    const { clients } = JSON.parse((await at.ask('/api/clients', { headers })).text)
    const states = Object.fromEntries(
      clients.map(({ name, state }: { name: string; state: string }) => [name, state]),
    )
    expect(states).toMatchObject({
      web: 'revoked',
      ...Object.fromEntries(names.map((name) => [name, 'active'])),
    })
  })

  it('are described in OpenAPI, and where no key is asked for there are none', async () => {
    const at = await start({ auth: 'none', admin: 'open' })
    const [, description] = json(await at.ask('/api/openapi.json'))
    expect(Object.keys(description.paths['/api/clients/{name}'])).toEqual(['patch'])
    expect(description.paths['/api/clients'].post.requestBody).toBeDefined()
    expect(Object.keys(description.paths['/api/login']).sort()).toEqual(['get', 'post'])
    expect(json(await at.ask('/api/clients'))).toEqual([
      200,
      { clients: [], isAsked: false, permissions: [] },
    ])
    expect((await at.ask('/api/clients', { method: 'POST', body: { name: 'x' } })).status).toBe(409)
  })
})
