import Anthropic from '@anthropic-ai/sdk'
import { startClaude } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { signedOut } from '../src/clients/client-changes.ts'
import { fileClientStore } from '../src/clients/client-store.ts'
import { examineIdentityProvider } from '../src/doctor/identity-provider.ts'
import type { AnsweredCall, Gateway } from '../src/index.ts'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { type Issuer, signed, startIssuer } from './issuer.ts'

const model = 'claude-opus-5-5'
const question = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hello?' }] }
const engineers = { engineers: { permissions: ['chat', 'tools'] } }

/** A gateway that takes the tokens of an issuer, and the key of one client. */
async function gatewayFor(issuer: Issuer, oidc: object = { groups: engineers }) {
  const claude = forThisTest(await startClaude({ models: [model, 'claude-haiku-5-5'] }))
  const clients = await clientsOf({ web: {} })
  const calls: AnsweredCall[] = []
  const server = { ...clients.server, oidc: { issuer: issuer.url, audience: 'spillway', ...oidc } }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }), calls)
  return { claude, clients, gateway, calls }
}

const ask = (gateway: Gateway, token: string, body: object = question): Promise<Response> =>
  fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })

/** Status, and what the error says. */
async function answered(gateway: Gateway, token: string, body?: object): Promise<[number, string]> {
  const response = await ask(gateway, token, body)
  const { error } = (await response.json()) as { error?: { message: string } }
  return [response.status, error?.message ?? '']
}

const member = { email: 'Alice@Example.com', groups: ['engineers', 'others'] }

describe('a service with a token of the identity provider', () => {
  it('calls with the official SDKs, by name, team and permissions of its claims; its token goes nowhere', async () => {
    const issuer = await startIssuer('RS256')
    const { claude, gateway, calls } = await gatewayFor(issuer, {
      claims: { team: 'department' },
      groups: { engineers: { permissions: ['chat'], models: ['claude-opus-*'], maxTokens: 500 } },
    })
    const token = issuer.token({ ...member, department: 'shop' })
    const asBearer = new Anthropic({ baseURL: gateway.url, authToken: token, apiKey: null, maxRetries: 0 })
    const asKey = new Anthropic({ baseURL: gateway.url, apiKey: token, maxRetries: 0 })
    const openAi = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: token, maxRetries: 0 })
    expect((await asBearer.messages.create(question)).type).toBe('message')
    expect((await asKey.messages.create(question)).type).toBe('message')
    expect((await openAi.chat.completions.create({ ...question })).object).toBe('chat.completion')
    expect(calls.map(({ tenant }) => tenant)).toEqual(Array(3).fill('alice@example.com'))
    expect(JSON.stringify(claude.requests)).not.toContain(token)
    await expect(asKey.messages.create({ ...question, model: 'claude-haiku-5-5' })).rejects.toThrow(
      /not allowed/,
    )
    await expect(asKey.messages.create({ ...question, max_tokens: 501 })).rejects.toThrow(/at most 500/)
    const tools = [{ name: 't', input_schema: { type: 'object' as const } }]
    await expect(asKey.messages.create({ ...question, tools })).rejects.toThrow(/permission tools/)
    expect((await asKey.models.list()).data.map(({ id }) => id)).toEqual([model])
  })

  it('is refused with a forged, foreign, old or unusual token, and told why', async () => {
    const issuer = await startIssuer('RS256')
    const { claude, clients, gateway } = await gatewayFor(issuer)
    const other = await startIssuer('RS256')
    const { kid, publicKey } = issuer.key
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
    const good = issuer.token(member)
    const [head = '', body = '', signature = ''] = good.split('.')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
    const stolen = Buffer.from(JSON.stringify({ ...claims, email: 'boss@example.com' })).toString('base64url')
    const now = Math.floor(Date.now() / 1000)
    const refused: [token: string, status: number, why: RegExp][] = [
      [`${head}.${stolen}.${signature}`, 401, /signature of this token is wrong/],
      [signed({ alg: 'none', kid }, claims, ''), 401, /start with sw-|asymmetric/],
      [`${signed({ alg: 'none', kid }, claims, '')}x`, 401, /only asymmetric signatures/],
      [signed({ alg: 'HS256', kid }, claims, pem), 401, /only asymmetric signatures/],
      [signed({ alg: 'RS256', kid }, claims, other.key.privateKey), 401, /signature of this token is wrong/],
      [other.token(member), 401, /is of http:.*and not of http:/],
      [other.token({ ...member, iss: issuer.url }), 401, /does not publish/],
      [issuer.token({ ...member, aud: 'another' }), 401, /made for another \(aud\), and not for spillway/],
      [issuer.token({ ...member, aud: undefined }), 401, /made for/],
      [issuer.token({ ...member, exp: now - 60 }), 401, /has expired/],
      [issuer.token({ ...member, exp: undefined }), 401, /claim exp.*missing/],
      [issuer.token({ ...member, exp: 'never' }), 401, /claim exp/],
      [issuer.token({ ...member, nbf: now + 600 }), 401, /not valid yet/],
      [issuer.token(member, { typ: 'logout+jwt' }), 401, /logout\+jwt and not for access/],
      [issuer.token({ ...member, events: {} }), 401, /tells of an event/],
      [issuer.token({ ...member, cnf: { jkt: 'x' } }), 401, /bound to a key/],
      [issuer.token(member, { crit: ['x'], x: 1 }), 401, /signature of this token is wrong/],
      ['eyJub3QiOiJqc29u.e30.e30', 401, /cannot be decoded/],
      [issuer.token({ ...member, filler: 'x'.repeat(9_000) }), 401, /more than 12288 characters/],
      [issuer.token({ ...member, groups: ['others'] }), 403, /none of the groups/],
      [issuer.token({ ...member, groups: undefined }), 403, /tells no groups/],
      [issuer.token({ ...member, email: 'a b' }), 403, /claims\.name/],
    ]
    for (const [token, status, why] of refused)
      expect(await answered(gateway, token)).toEqual([status, expect.stringMatching(why)])
    const response = await ask(gateway, issuer.token({ ...member, exp: now - 60 }))
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(claude.requests).toEqual([])
    expect((await ask(gateway, good)).status).toBe(200)
    expect((await ask(gateway, clients.keys.web as string)).status).toBe(200)
  })

  it('cannot lead the gateway to keys of its own', async () => {
    const issuer = await startIssuer()
    const evil = await startIssuer()
    const { gateway } = await gatewayFor(issuer)
    const jwk = evil.key.publicKey.export({ format: 'jwk' })
    for (const header of [{ jku: `${evil.url}/keys` }, { x5u: `${evil.url}/keys` }, { jwk }]) {
      const token = evil.token({ ...member, iss: issuer.url }, header)
      expect(await answered(gateway, token)).toEqual([401, expect.stringContaining('does not publish')])
    }
    expect(evil.asked).toEqual([])
  })

  it('cannot take the name of a client with a key', async () => {
    const issuer = await startIssuer()
    const { gateway, calls } = await gatewayFor(issuer, { groups: engineers, claims: { name: 'sub' } })
    expect((await ask(gateway, issuer.token({ ...member, sub: 'web' }))).status).toBe(200)
    expect(calls.map(({ tenant }) => tenant)).toEqual(['oidc:web'])
  })
})

describe('the keys of the identity provider', () => {
  it('are read again for a token with an unknown one, and not for each that is invented', async () => {
    const issuer = await startIssuer()
    const { gateway } = await gatewayFor(issuer)
    const readings = () => issuer.asked.filter((path) => path === '/keys').length
    expect((await ask(gateway, issuer.token(member))).status).toBe(200)
    const before = readings()
    const invented = () => issuer.token(member, { kid: crypto.randomUUID() })
    const statuses = await Promise.all(
      Array.from({ length: 50 }, async () => (await ask(gateway, invented())).status),
    )
    expect(new Set(statuses)).toEqual(new Set([401]))
    expect(readings() - before).toBeLessThanOrEqual(1)
  })

  it('hold while it is away, and a gateway that starts without it says so and takes tokens when it is back', async () => {
    const issuer = await startIssuer()
    const { gateway } = await gatewayFor(issuer)
    const [first, second] = [issuer.token(member), issuer.token({ ...member, email: 'bob@example.com' })]
    expect((await ask(gateway, first)).status).toBe(200)
    await issuer.leave()
    expect((await ask(gateway, first)).status).toBe(200)
    expect((await ask(gateway, second)).status).toBe(200)

    const late = await gatewayFor(issuer)
    expect(await (await fetch(`${late.gateway.url}/readyz`)).json()).toMatchObject({
      identityProvider: 'away',
    })
    expect(await answered(late.gateway, first)).toEqual([503, expect.stringContaining('does not answer')])
    expect((await ask(late.gateway, late.clients.keys.web as string)).status).toBe(200)
    await issuer.comeBack()
    await expect.poll(async () => (await ask(late.gateway, first)).status, { timeout: 8_000 }).toBe(200)
    expect(await (await fetch(`${late.gateway.url}/readyz`)).json()).not.toHaveProperty('identityProvider')
  })
})

it('a service that was signed out has to get another token, and doctor says what the identity provider does', async () => {
  const issuer = await startIssuer()
  const { gateway, clients } = await gatewayFor(issuer)
  const token = issuer.token(member)
  expect((await ask(gateway, token)).status).toBe(200)
  const store = fileClientStore(clients.server.clientsFile)
  await store.update((before) => signedOut(before, 'alice@example.com', Date.now()))
  await expect
    .poll(() => answered(gateway, token), { timeout: 3_000 })
    .toEqual([401, expect.stringContaining('signed out')])
  const later = issuer.token({ ...member, iat: Math.floor(Date.now() / 1000) + 1 })
  expect((await ask(gateway, later)).status).toBe(200)

  const oidc = { issuer: issuer.url, clientId: 'spillway' }
  expect(await examineIdentityProvider(oidc)).toMatchObject([
    { level: 'ok', message: expect.stringContaining('publishes keys') },
    { level: 'error', message: expect.stringContaining('authorization_endpoint, token_endpoint') },
    { level: 'ok', message: expect.stringContaining('/login/oidc/callback') },
  ])
  expect(await examineIdentityProvider({ ...oidc, issuer: `${issuer.url}/` })).toMatchObject([
    { level: 'error', message: expect.stringContaining('set server.oidc.issuer to exactly that') },
  ])
  await issuer.leave()
  expect(await examineIdentityProvider(oidc)).toMatchObject([
    { level: 'error', message: expect.stringContaining('ECONNREFUSED') },
  ])
})
