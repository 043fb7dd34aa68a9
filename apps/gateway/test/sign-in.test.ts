import { freePort, startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { Browser, type Shown } from './browser.ts'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { startIdentityProvider } from './identity-provider.ts'

const model = 'claude-opus-5-5'
const question = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hello?' }] }
const groups = {
  engineers: { permissions: ['claude:code'], settings: { model: 'opus', env: { TEAM: 'one' } } },
  operators: { permissions: ['admin:read'] },
}

interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown>
}

interface Codes {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri_complete: string
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

async function gatewayFor(more: object = {}) {
  const port = await freePort()
  const provider = await startIdentityProvider([`http://127.0.0.1:${port}/login/oidc/callback`])
  const claude = forThisTest(await startClaude({ models: [model] }))
  const clients = await clientsOf({ web: {} })
  const oidc = { ...provider.settings, groups, ...more }
  const server = { ...clients.server, port, oidc }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }), [], port)
  const post = async (path: string, form: Record<string, string>): Promise<Answered> => {
    const response = await fetch(`${gateway.url}${path}`, { method: 'POST', body: new URLSearchParams(form) })
    return {
      status: response.status,
      headers: response.headers,
      json: (await response.json()) as Record<string, unknown>,
    }
  }
  const get = (path: string, token: string, headers = {}) =>
    fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } })
  const ask = (token: string) =>
    fetch(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(question),
    })
  return { provider, claude, clients, gateway, post, get, ask }
}

type Running = Awaited<ReturnType<typeof gatewayFor>>

const begin = async ({ post }: Running): Promise<Codes> =>
  (await post('/oauth/device_authorization', { surface: 'claude_code' })).json as unknown as Codes

const poll = ({ post }: Running, { device_code }: Pick<Codes, 'device_code'>) =>
  post('/oauth/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code })

const refresh = ({ post }: Running, { refresh_token }: Pick<Tokens, 'refresh_token'>) =>
  post('/oauth/token', { grant_type: 'refresh_token', refresh_token })

/** Up to the page that asks to confirm. */
async function toConfirm(browser: Browser, codes: Codes): Promise<Shown> {
  const page = await browser.open(codes.verification_uri_complete)
  return browser.submit(page, {})
}

async function signIn(running: Running): Promise<Tokens> {
  const codes = await begin(running)
  const browser = new Browser()
  const done = await browser.submit(await toConfirm(browser, codes), { answer: 'allow' })
  expect([done.status, done.text]).toEqual([200, expect.stringContaining('You are signed in')])
  const { status, json } = await poll(running, codes)
  expect(status).toBe(200)
  return json as unknown as Tokens
}

describe('signing in with a code', () => {
  it('goes from discovery to a token for the calls and settings of the person', async () => {
    const running = await gatewayFor()
    const { gateway, get, ask } = running
    const discovery = await (await fetch(`${gateway.url}/.well-known/oauth-authorization-server`)).json()
    expect(discovery).toMatchObject({
      issuer: gateway.url,
      token_endpoint: `${gateway.url}/oauth/token`,
      gateway_protocol_version: 1,
    })
    expect(await (await fetch(`${gateway.url}/protocol`)).json()).toMatchObject({
      gateway_protocol_version: 1,
    })
    const codes = await begin(running)
    expect(codes).toMatchObject({
      user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
      interval: 5,
      expires_in: 600,
    })
    expect((await poll(running, codes)).json).toEqual({ error: 'authorization_pending' })
    expect(await poll(running, codes)).toMatchObject({ status: 429, json: { error: 'slow_down' } })

    const browser = new Browser()
    const typed = await browser.open(codes.verification_uri_complete)
    expect(typed.text).toContain(`value="${codes.user_code}"`)
    const confirm = await browser.submit(typed, {
      user_code: codes.user_code.replace('-', ' ').toLowerCase(),
    })
    expect(confirm.text).toContain(codes.user_code)
    expect(confirm.text).toContain('alice@example.com')
    expect(confirm.text).toMatch(/your own terminal shows exactly this code/)
    expect((await browser.submit(confirm, { answer: 'allow' })).text).toContain('You are signed in')

    const { status, json } = await poll(running, codes)
    expect([status, json]).toMatchObject([
      200,
      { token_type: 'Bearer', expires_in: 3600, email: 'alice@example.com' },
    ])
    const token = String(json.access_token)
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      ...{ sub: 'alice', email: 'alice@example.com', groups: ['engineers'], aud: 'claude-gateway' },
    })
    expect((await ask(token)).status).toBe(200)
    expect(await (await get('/v1/models?limit=1000', token)).json()).toMatchObject({ data: [{ id: model }] })

    const settings = await get('/managed/settings', token)
    const etag = settings.headers.get('etag') as string
    expect(await settings.json()).toMatchObject({
      settings: groups.engineers.settings,
      checksum: expect.stringMatching(/^sha256:/),
    })
    expect((await get('/managed/settings', token, { 'if-none-match': etag })).status).toBe(304)
    expect((await get('/managed/settings', running.clients.keys.web as string)).status).toBe(404)
    expect((await fetch(`${gateway.url}/managed/settings`)).status).toBe(401)
    // A code gives one answer, once.
    expect(await poll(running, codes)).toMatchObject({ status: 400, json: { error: 'expired_token' } })
  })

  it('is denied by the person, by the groups, and for codes that nobody asked for', async () => {
    const running = await gatewayFor()
    const { provider, post } = running
    const codes = await begin(running)
    const browser = new Browser()
    const denied = await browser.submit(await toConfirm(browser, codes), { answer: 'deny' })
    expect(denied.text).toContain('Denied')
    expect(await poll(running, codes)).toMatchObject({ status: 400, json: { error: 'access_denied' } })
    provider.groups.alice = ['guests']
    const refused = await toConfirm(new Browser(), await begin(running))
    expect([refused.status, refused.text]).toEqual([
      403,
      expect.stringContaining('none of the groups of alice@example.com'),
    ])
    for (const form of [{}, { grant_type: 'password' }, { grant_type: 'refresh_token' }])
      expect((await post('/oauth/token', form)).status).toBe(400)
    expect((await poll(running, { device_code: 'invented' })).json).toEqual({ error: 'expired_token' })
    expect(await refresh(running, { refresh_token: 'invented' })).toMatchObject({
      status: 401,
      json: { error: 'invalid_grant' },
    })
  })

  it('does not let user codes be guessed', async () => {
    const running = await gatewayFor()
    const browser = new Browser()
    const page = await browser.open(`${running.gateway.url}/device`)
    const statuses: number[] = []
    for (let index = 0; index < 12; index++)
      statuses.push((await browser.submit(page, { user_code: 'BBBB-BBBB' })).status)
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(400))
    expect(statuses.at(-1)).toBe(429)
  })

  it('is confirmed in the browser that has logged in, by its own page', async () => {
    const running = await gatewayFor()
    const { gateway } = running
    const codes = await begin(running)
    const browser = new Browser()
    const confirm = await toConfirm(browser, codes)
    // A page of an attacker has the form, and the cookie of another browser.
    const other = new Browser()
    expect((await other.submit(confirm, { answer: 'allow' })).status).toBe(400)
    const foreign = await fetch(`${gateway.url}/device/confirm`, {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ answer: 'allow' }),
    })
    expect(foreign.status).toBe(403)
    expect((await poll(running, codes)).json).toEqual({ error: 'authorization_pending' })
    // The way back from the identity provider, followed in another browser: that of a login that someone else has begun.
    const started = await new Browser().open(`${gateway.url}/login/oidc/callback?code=c&state=s`)
    expect([started.status, started.text]).toEqual([
      400,
      expect.stringContaining('This browser has begun no login'),
    ])
  })
})

describe('a session', () => {
  const next = async (running: Running, tokens: Tokens): Promise<Tokens> => {
    const { status, json } = await refresh(running, tokens)
    expect([status, json.error]).toEqual([200, undefined])
    return json as unknown as Tokens
  }

  it('is renewed while the identity provider says so, waits while it is away, and ends with the groups', async () => {
    const running = await gatewayFor()
    const { provider, ask } = running
    const first = await signIn(running)
    expect(JSON.stringify(first)).not.toContain('secret-of')
    const [second, same] = await Promise.all([next(running, first), next(running, first)])
    // Two at a time do not spend a refresh token twice, which identity providers take for theft.
    expect(same).toEqual(second)
    expect((await ask(second.access_token)).status).toBe(200)
    await provider.leave()
    expect(await refresh(running, second)).toMatchObject({
      status: 503,
      json: { error: 'temporarily_unavailable' },
    })
    expect((await ask(second.access_token)).status).toBe(200)
    await provider.comeBack()
    const third = await next(running, second)
    provider.groups.alice = ['guests']
    expect(await refresh(running, third)).toMatchObject({
      ...{
        status: 401,
        json: { error: 'invalid_grant', error_description: expect.stringContaining('none of the groups') },
      },
    })
  })

  it('ends when the person is no account any more', async () => {
    const running = await gatewayFor()
    const tokens = await signIn(running)
    delete running.provider.groups.alice
    expect(await refresh(running, tokens)).toMatchObject({ status: 401, json: { error: 'invalid_grant' } })
  })

  it('ends by itself with 401 and no retry, and at once when it is signed out', async () => {
    const running = await gatewayFor({ sessions: { tokenFor: '1s' } })
    const { ask, post } = running
    const first = await signIn(running)
    expect((await ask(first.access_token)).status).toBe(200)
    await expect.poll(async () => (await ask(first.access_token)).status, { timeout: 3_000 }).toBe(401)
    expect((await ask(first.access_token)).headers.get('x-should-retry')).toBe('false')
    const [second, other] = [await next(running, first), await signIn(running)]
    expect((await post('/oauth/revoke', { token: second.refresh_token })).status).toBe(200)
    expect((await ask(second.access_token)).status).toBe(401)
    expect((await refresh(running, second)).status).toBe(401)
    expect((await refresh(running, other)).status).toBe(200)
  })

  it('cannot be forged, nor its refresh token be used as one', async () => {
    const running = await gatewayFor()
    const { ask } = running
    const { access_token: token, refresh_token } = await signIn(running)
    const [head = '', body = '', signature = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...claims, groups: ['operators'] })).toString('base64url')
    for (const each of [`${head}.${forged}.${signature}`, `${head}.${body}.`, refresh_token])
      expect((await ask(each)).status).toBe(401)
    expect((await refresh(running, { refresh_token: token })).status).toBe(401)
  })

  it('of another gateway is taken with the same secret', async () => {
    const running = await gatewayFor()
    const { provider, claude } = running
    const { access_token } = await signIn(running)
    const clients = await clientsOf({})
    const server = { ...clients.server, oidc: { ...provider.settings, groups } }
    const other = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }))
    const response = await fetch(`${other.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${access_token}` },
      body: JSON.stringify(question),
    })
    expect(response.status).toBe(200)
  })
})

describe('the dashboard', () => {
  it('is entered with the identity provider, by those who may', async () => {
    const { gateway, provider } = await gatewayFor()
    const refused = await new Browser().open(`${gateway.url}/login/oidc`)
    expect([refused.status, refused.text]).toEqual([
      403,
      expect.stringContaining('lacks the permission admin:read'),
    ])
    provider.groups.alice = ['operators']
    const browser = new Browser()
    // From the other name of this machine it goes on where its cookie will be.
    const entered = await browser.open(
      `${gateway.url.replace('127.0.0.1', 'localhost')}/login/oidc?next=https://evil.example/`,
    )
    expect([entered.url, entered.status]).toEqual([`${gateway.url}/`, 200])
    const login = await browser.open(`${gateway.url}/api/login`, gateway.url)
    expect(JSON.parse(login.text)).toMatchObject({ operator: { name: 'alice@example.com' } })
    expect((await browser.open(`${gateway.url}/api/targets`, gateway.url)).status).toBe(200)
    expect((await fetch(`${gateway.url}/api/targets`)).status).toBe(401)
  })
})
