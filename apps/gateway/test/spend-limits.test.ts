import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'

const path = '/v1/organizations/spend_limits'

/** Two gateways with the same clients, at a Claude whose calls cost 1 cent. */
async function twoGateways() {
  const claude = forThisTest(await startClaude({ reply: { usage: { inputTokens: 500, outputTokens: 320 } } }))
  const clients = await clientsOf({
    boss: { permissions: ['admin:write'] },
    auditor: { permissions: ['admin:read'] },
    alice: { permissions: ['claude:code'], team: 'search' },
  })
  const storage = { url: `sqlite:${join(temporaryFolder(), 'books.db')}` }
  const config = (more: object) =>
    configOf(targetAt(claude, 'anthropic'), undefined, { server: clients.server, ...more })
  const budgets = { eachClient: ['usd=100/week'], contact: 'ask in #claude-budgets' }
  const first = await gatewayOf(config({ storage, budgets }))
  const second = await gatewayOf(config({}))
  const asked = async (name: string, method: string, rest = '', body?: object, url = first.url) => {
    const response = await fetch(url + (rest.startsWith('/api') ? rest : path + rest), {
      method,
      headers: { 'x-api-key': clients.keys[name] ?? '', 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, id: response.headers.get('request-id'), body: await response.json() }
  }
  const call = (url = first.url, body: object = {}) =>
    fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': clients.keys.alice as string },
      body: JSON.stringify({
        ...{ model: 'claude-opus-5-5', max_tokens: 320, messages: [{ role: 'user', content: 'Hi' }] },
        ...body,
      }),
    })
  return { claude, asked, call, second }
}

it('caps are set, listed, enforced at all gateways and removed as with Anthropic’s Admin API, and noted in the audit log', async () => {
  const { asked, call, second } = await twoGateways()
  const scope = { type: 'user', user_id: 'alice' }
  const set = await asked('boss', 'POST', '', { scope, amount: '2', period: 'daily' })
  expect(set).toMatchObject({
    status: 200,
    id: expect.stringMatching(/^req_[0-9a-f]{32}$/),
    body: { type: 'spend_limit', scope, amount: '2', currency: 'USD', period: 'daily', is_enabled: true },
  })
  expect(set.body.id).toMatch(/^spl_/)
  expect((await call()).status).toBe(200)
  await expect
    .poll(async () => (await call()).headers.get('x-spillway-budget'), { timeout: 5_000 })
    .toContain('unit=usd;period=day;limit=0.02;')
  await expect.poll(async () => (await call()).status, { timeout: 5_000 }).toBe(429)
  // The other gateway has taken the cap up too, and counts for itself.
  await expect
    .poll(async () => (await call(second.url)).headers.get('x-spillway-budget'), { timeout: 5_000 })
    .toContain('limit=0.02;')
  const refused = await call()
  expect([refused.headers.get('x-should-retry'), (await refused.json()).error]).toEqual([
    'false',
    {
      type: 'billing_error',
      message: expect.stringMatching(/budget of \$0\.02 a day, .*: ask in #claude-budgets$/),
    },
  ])
  const { body: effective } = await asked('auditor', 'GET', '/effective?user_ids[]=alice')
  expect(effective).toMatchObject({
    next_page: null,
    data: [
      { period: 'daily', amount: '2', source: scope, spend_limit_id: set.body.id, groups: ['search'] },
      { period: 'weekly', amount: '10000', source: { type: 'organization' }, spend_limit_id: null },
      { period: 'monthly', amount: null, source: null },
    ],
  })
  expect(Number(effective.data[0].period_to_date_spend)).toBeGreaterThan(0.9)
  const { body: usage } = await asked('alice', 'GET', '/api/oauth/usage')
  expect(usage).toMatchObject({
    extra_usage: { is_enabled: true, monthly_limit: 2, currency: 'USD' },
    limits: [
      { kind: 'spend', group: 'daily', is_active: true },
      { kind: 'spend', group: 'weekly', percent: 0, severity: 'normal', is_active: false },
    ],
  })
  expect((await asked('auditor', 'GET', '/api/alerts')).body.alerts).toContainEqual(
    expect.objectContaining({ kind: 'budget', severity: 'critical', subject: 'client alice: usd a day' }),
  )
  expect((await asked('boss', 'POST', '', { scope, amount: '500', period: 'daily' })).body.id).toBe(
    set.body.id,
  )
  expect((await call()).status).toBe(200)
  expect((await asked('boss', 'DELETE', `/${set.body.id}`)).body).toEqual({
    type: 'spend_limit_deleted',
    id: set.body.id,
  })
  expect((await asked('boss', 'GET', `/${set.body.id}`)).status).toBe(404)
  expect((await call()).headers.get('x-spillway-budget')).toContain('period=week;limit=100;')
  await expect
    .poll(async () => (await asked('auditor', 'GET', '/audit')).body.data, { timeout: 5_000 })
    .toMatchObject([
      {
        action: 'spend_limit.delete',
        actor: 'boss',
        target: set.body.id,
        before: { amount: '500' },
        after: null,
      },
      { action: 'spend_limit.upsert', before: { amount: '2' }, after: { amount: '500' } },
      { action: 'spend_limit.upsert', before: null, after: { amount: '2', period: 'daily' } },
    ])
})

it('caps are for administrators, and what is wrong is said in their protocol', async () => {
  const { asked, call } = await twoGateways()
  const organization = { scope: { type: 'organization' }, amount: '5000' }
  expect(await asked('alice', 'GET')).toMatchObject({
    status: 403,
    body: {
      type: 'error',
      error: { type: 'permission_error', message: 'alice lacks the permission admin:read' },
    },
  })
  expect((await asked('auditor', 'POST', '', organization)).status).toBe(403)
  expect((await asked('', 'GET')).status).toBe(401)
  const wrong = await asked('boss', 'POST', '', { ...organization, amount: 5000 })
  expect(wrong).toMatchObject({
    status: 400,
    body: { error: { type: 'invalid_request_error', message: expect.stringContaining('amount: must be') } },
  })
  expect(wrong.body.request_id).toBe(wrong.id)
  const missing = await asked('boss', 'POST', '', { scope: { type: 'user', user_id: 'carol' }, amount: '1' })
  expect([missing.status, missing.body.error.message]).toEqual([
    400,
    expect.stringContaining('no client of this name'),
  ])
  expect((await asked('boss', 'PUT', `/spl_${'0'.repeat(32)}`)).status).toBe(405)
  expect((await asked('boss', 'GET', '?after_id=spl_x')).body.error.message).toBe(
    'after_id: no spend limit with this id',
  )
  const ids: string[] = []
  for (const period of ['daily', 'weekly', 'monthly'])
    ids.push((await asked('boss', 'POST', '', { ...organization, period })).body.id)
  const page = (await asked('auditor', 'GET', '?limit=2')).body
  expect([page.data.length, page.has_more]).toEqual([2, true])
  const rest = (await asked('auditor', 'GET', `?limit=2&after_id=${page.last_id}`)).body
  expect([...page.data, ...rest.data].map(({ id }: { id: string }) => id).toSorted()).toEqual(ids.toSorted())
  expect(rest.has_more).toBe(false)
  expect((await call()).headers.get('x-spillway-budget')).toContain('"client/alice"')
})
