import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import { parseConfig } from '../src/index.ts'
import { forThisTest, gatewayOf, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { type Json, messages, send } from './raw-client.ts'

const mirrored = (first: { url: string }, candidate: { url: string }): object => ({
  targets: { claude: targetAt(first, 'anthropic'), candidate: targetAt(candidate, 'anthropic') },
  routes: [{ models: '*', target: 'claude' }],
  mirror: [{ from: 'claude', to: 'candidate', sample: 1 }],
})

it('a call also goes to the candidate, after the caller has its answer', async () => {
  const claude = forThisTest(await startClaude())
  const candidate = forThisTest(await startClaude())
  const gateway = await gatewayOf(mirrored(claude, candidate))
  const arrived = candidate.nextRequest()
  const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect([status, headers['x-spillway-served-by'], headers['x-spillway-attempts']]).toEqual([
    200,
    'claude',
    '1',
  ])
  expect((await arrived).json).toEqual(claude.requests[0]?.json)
})

it('a candidate that is dead changes nothing for the caller', async () => {
  const claude = forThisTest(await startClaude())
  const candidate = await startClaude()
  const gateway = await gatewayOf(mirrored(claude, { url: candidate.url }))
  await candidate.close()
  for (let call = 0; call < 5; call++) {
    const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect([status, headers['x-spillway-attempts']]).toEqual([200, '1'])
  }
})

it('what the candidate used is booked as the mirror’s, and counted', async () => {
  const claude = forThisTest(await startClaude())
  const candidate = forThisTest(await startClaude())
  const storage = { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` }
  const gateway = await gatewayOf({ ...mirrored(claude, candidate), storage })
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  const get = async (path: string) => (await send(`${gateway.url}${path}`, { method: 'GET' })).text
  const roles = await vi.waitFor(async () => {
    const { rows } = JSON.parse(await get('/api/usage?by=role'))
    expect(rows).toHaveLength(2)
    return rows
  }, 5000)
  expect(roles.map(({ key, attempts }: Json) => [key, attempts])).toEqual([
    ['mirror', 1],
    ['primary', 1],
  ])
  const metrics = await get('/metrics')
  for (const target of ['claude', 'candidate']) {
    expect(metrics).toMatch(
      new RegExp(`^spillway_attempt_duration_count\\{.*spillway_target="${target}".*\\} 1$`, 'm'),
    )
    expect(metrics).toMatch(
      new RegExp(
        `^spillway_cost_nano_usd_total\\{(?=.*spillway_target="${target}")(?=.*estimated="false").*\\} ${roles[0].costNano}$`,
        'm',
      ),
    )
  }
  expect(metrics).toMatch(/^spillway_calls_total\{.*\} 1$/m)
})

it('metrics tell what became of the sample, and how alike the answers are', async () => {
  const claude = forThisTest(await startClaude())
  const candidate = forThisTest(await startClaude())
  const [mirror] = (mirrored(claude, candidate) as { mirror: object[] }).mirror
  const gateway = await gatewayOf({
    ...mirrored(claude, candidate),
    mirror: [{ ...mirror, callsPerMinute: 2 }],
  })
  const metrics = async (): Promise<string> => (await send(`${gateway.url}/metrics`, { method: 'GET' })).text
  const result = async (name: string): Promise<number> =>
    Number(
      new RegExp(
        `^spillway_mirror_calls_total\\{(?=.*mirror_from="claude")(?=.*mirror_to="candidate")(?=.*mirror_result="${name}").*\\} (\\d+)$`,
        'm',
      ).exec(await metrics())?.[1],
    )
  expect(await result('answered')).toBe(0)
  expect(await metrics()).not.toContain('spillway_mirror_similarity{')
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  await vi.waitFor(async () => expect(await result('answered')).toBe(1))
  candidate.next({ type: 'status', status: 400 })
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  await vi.waitFor(async () => expect(await result('failed')).toBe(1))
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  await vi.waitFor(async () => expect(await result('dropped.budget')).toBe(1))
  claude.next({ type: 'status', status: 400 })
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  await vi.waitFor(async () => expect(await result('skipped')).toBe(1))
  expect(await result('answered')).toBe(1)
  expect(await metrics()).toMatch(/^spillway_mirror_similarity\{(?=.*mirror_to="candidate").*\} 1$/m)
})

it('names that nobody has defined are told', () => {
  const text = `targets: { a: { api: ollama, endpoints: [{ url: "http://127.0.0.1:1" }] } }
routes: [{ models: "*", target: a }]
mirror: [{ from: a, to: b, sample: 0.1 }]
`
  expect(() => parseConfig(text, 'spillway.yaml')).toThrow(
    /3:\d+ {2}mirror\[0\]\.to.*no target is called "b"/,
  )
})

it('the API compares the two', async () => {
  const claude = forThisTest(await startClaude())
  const candidate = forThisTest(await startClaude())
  const gateway = await gatewayOf(mirrored(claude, candidate))
  const get = async () =>
    JSON.parse((await send(`${gateway.url}/api/mirror`, { method: 'GET' })).text).mirrors
  expect(await get()).toMatchObject([{ from: 'claude', to: 'candidate', sample: 1, comparisons: 0 }])
  await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
  const [found] = await vi.waitFor(async () => {
    const mirrors = await get()
    expect(mirrors).toMatchObject([{ comparisons: 1 }])
    return mirrors
  }, 5000)
  expect(found).toMatchObject({ dropped: 0, similarity: 1 })
  for (const side of [found.primary, found.candidate]) {
    expect(side).toMatchObject({ failures: 0, outputTokens: 14 })
    expect(side.firstContent.p50).toBeGreaterThan(0)
    expect(side.total.p50).toBeGreaterThanOrEqual(side.firstContent.p50)
    expect(Number(side.costNano)).toBeGreaterThan(0)
  }
})

describe('a candidate that is a fallback too', () => {
  /** The fallback holds calls that it gets from the mirror for as long as the test lasts. */
  async function setUp({ endpoint = {}, ...target }: { endpoint?: object }, more: object = {}) {
    const claude = forThisTest(await startClaude())
    const server = forThisTest(
      await startClaude({
        fault: ({ json }) =>
          JSON.stringify(json).includes('held') ? { type: 'slow-headers', ms: Infinity } : undefined,
      }),
    )
    const gateway = await gatewayOf({
      targets: {
        claude: targetAt(claude, 'anthropic'),
        local: {
          api: 'anthropic',
          endpoints: [{ url: server.url, credential: ownKey.reference, ...endpoint }],
          ...target,
        },
      },
      routes: [{ models: '*', target: 'claude', fallback: ['local'] }],
      mirror: [{ from: 'claude', to: 'local', sample: 1, concurrency: 20 }],
      retry: { attempts: 1 },
      ...more,
    })
    const ask = async (content: string) => {
      const body = messages({ messages: [{ role: 'user', content }] })
      const { status, headers } = await send(`${gateway.url}/v1/messages`, { body })
      return [status, headers['x-spillway-served-by']]
    }
    const result = async (name: string): Promise<number> => {
      const { text } = await send(`${gateway.url}/metrics`, { method: 'GET' })
      const line = new RegExp(`^spillway_mirror_calls_total\\{(?=.*result="${name}").*\\} (\\d+)$`, 'm')
      return Number(line.exec(text)?.[1])
    }
    return { claude, server, ask, result }
  }

  it.each<[string, object]>([
    ['connections', { endpoint: { connections: 4 } }],
    ['concurrency', { rateLimit: { concurrency: 4 } }],
    ['requests a minute', { rateLimit: { requestsPerMinute: 4 } }],
    ['adaptive concurrency', { rateLimit: { adaptiveConcurrency: { initial: 4, max: 4 } } }],
  ])('keeps half of its %s for real calls, whatever the mirror would send', async (_, local) => {
    const { claude, server, ask, result } = await setUp(local)
    for (let call = 0; call < 8; call++) expect(await ask(`held ${call}`)).toEqual([200, 'claude'])
    await vi.waitFor(async () => expect(await result('dropped.busy')).toBe(6))
    expect(server.requests).toHaveLength(2)
    claude.always({ type: 'status', status: 529 })
    const answers = await Promise.all([ask('real 1'), ask('real 2')])
    expect(answers).toEqual([
      [200, 'local'],
      [200, 'local'],
    ])
  })

  it('refuses real calls nothing for what fails for comparison', async () => {
    const circuitBreaker = { minimumCalls: 2, openFor: '60s' }
    const { claude, server, ask, result } = await setUp({}, { circuitBreaker, retry: { baseDelay: '1ms' } })
    server.always({ type: 'status', status: 500 })
    for (let call = 0; call < 8; call++) await ask(`fails ${call}`)
    await vi.waitFor(async () => expect(await result('failed')).toBe(8))
    server.always(undefined)
    claude.always({ type: 'status', status: 529 })
    expect(await ask('real')).toEqual([200, 'local'])
  })
})

it('a candidate that no route leads to has nobody to leave its limits to', async () => {
  const claude = forThisTest(await startClaude())
  const candidate = forThisTest(await startClaude())
  const config = mirrored(claude, candidate) as { targets: { candidate: object } }
  Object.assign(config.targets.candidate, { rateLimit: { concurrency: 1 } })
  const gateway = await gatewayOf(config)
  for (let call = 0; call < 3; call++) await send(`${gateway.url}/v1/messages`, { body: messages() })
  await vi.waitFor(() => expect(candidate.requests).toHaveLength(3))
})
