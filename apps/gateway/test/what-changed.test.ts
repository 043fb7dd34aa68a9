import { join } from 'node:path'
import type { CallStory, Calls, Changes, Mirrors } from '@spillway/gateway-api'
import { startClaude, startOpenAi } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { parseConfig, startGateway } from '../src/index.ts'
import { forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const call = (url: string, changes: object = {}) => send(`${url}/v1/messages`, { body: messages(changes) })

/** An answer of the API, once it is as it should be. */
function when<T>(url: string, path: string, check: (answer: T) => void): Promise<T> {
  return vi.waitFor(async () => {
    const { text } = await send(`${url}/api/${path}`, { method: 'GET' })
    const answer = JSON.parse(text) as T
    check(answer)
    return answer
  }, 15_000)
}

it('what mirrors compared, and what circuits and limits became, is there after a restart, by its time', async () => {
  const claude = forThisTest(await startClaude())
  const candidate = forThisTest(await startClaude())
  const storage = { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` }
  const { config } = parseConfig(
    JSON.stringify({
      targets: { claude: targetAt(claude, 'anthropic'), candidate: targetAt(candidate, 'anthropic') },
      routes: [{ models: '*', target: 'claude' }],
      retry: { attempts: 1 },
      rateLimit: { requestsPerMinute: 600 },
      circuitBreaker: { minimumCalls: 2, failureRate: 0.5, openFor: '60s' },
      mirror: [{ from: 'claude', to: 'candidate', sample: 1 }],
      storage,
    }),
    'test.yaml',
  )
  const first = await startGateway(config, { port: 0, log: () => {} })
  const begin = Date.now()
  const { headers } = await call(first.url)
  const compared = await when<Mirrors>(first.url, 'mirror?range=1h', ({ mirrors }) =>
    expect(mirrors[0]?.comparisons).toBe(1),
  )
  expect(compared.mirrors[0]).toMatchObject({
    ...{ from: 'claude', to: 'candidate', sample: 1, dropped: 0, similarity: 1 },
    newest: [{ callId: headers['x-spillway-call-id'], similarity: 1, candidateFailure: null }],
  })
  claude.next({ type: 'status', status: 429, headers: { 'retry-after': '30' } })
  await call(first.url)
  await when<Changes>(first.url, 'changes', ({ changes }) => expect(changes).toHaveLength(1))
  await first.close(0)

  // Its limits are open again: nothing but the ledger knows of before.
  const { mirror: _, ...withoutMirror } = config
  const second = forThisTest(await startGateway(withoutMirror, { port: 0, log: () => {} }))
  for (let failure = 0; failure < 2; failure++) {
    claude.next({ type: 'status', status: 500 })
    await call(second.url)
  }
  const { changes } = await when<Changes>(second.url, 'changes?range=1h', (answer) =>
    expect(answer.changes).toHaveLength(2),
  )
  expect(changes).toMatchObject([
    {
      ...{ kind: 'circuit', target: 'claude', endpoint: '1', was: 'closed', became: 'open' },
      ...{ reason: 'failure_rate', until: null },
    },
    { kind: 'limit', target: 'claude', was: 'open', became: 'closed', reason: 'rate_limited' },
  ])
  const closedFor = (changes[1]?.until ?? 0) - (changes[1]?.at ?? 0)
  expect(closedFor).toBeGreaterThan(25_000)
  const { mirrors } = await when<Mirrors>(second.url, 'mirror', () => {})
  expect(mirrors).toMatchObject([{ from: 'claude', sample: null, comparisons: 1 }])
  const before = `from=${begin - 600_000}&to=${begin - 300_000}`
  expect((await when<Mirrors>(second.url, `mirror?${before}`, () => {})).mirrors).toEqual([])
  expect((await when<Changes>(second.url, `changes?${before}`, () => {})).changes).toEqual([])
  const csv = await send(`${second.url}/api/changes?format=csv`, { method: 'GET' })
  expect(csv.text).toMatch(/^\ufeffat,kind,target,endpoint,subject,was,became,reason,until\r\n/)
})

it('the page of a call says for what it waited, and what was lost on the way to a target that can do less', async () => {
  const claude = forThisTest(await startClaude())
  const chat = forThisTest(await startOpenAi())
  const { url } = await gatewayOf({
    targets: { claude: targetAt(claude, 'anthropic'), chat: targetAt(chat, 'openai', { model: 'gpt-4.1' }) },
    routes: [{ models: '*', target: 'claude', fallback: ['chat'] }],
    retry: { attempts: 2, baseDelay: '40ms', maxDelay: '40ms' },
  })
  for (let failure = 0; failure < 2; failure++) claude.next({ type: 'status', status: 500 })
  await call(url, { top_k: 5 })
  const { calls } = await when<Calls>(url, 'calls', (answer) => expect(answer.calls).toHaveLength(1))
  const { waits, losses } = await when<CallStory>(url, `calls/${calls[0]?.id}`, () => {})
  expect(waits).toEqual([expect.objectContaining({ target: 'claude', why: 'retry' })])
  expect(waits[0]?.ms).toBeLessThanOrEqual(40)
  expect(losses).toContain('top_k')
})
