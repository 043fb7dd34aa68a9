import { fallback } from '@spillway/circuit-breaker-fallback'
import { createClient, isSpillwayError } from '@spillway/core-client'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { callLine } from '../src/cli/call-line.ts'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const overloaded = { type: 'status', status: 529 } as const
const noTools = { type: 'status', status: 400 } as const

it('when all targets fail, the header and the log line tell what each of them said', async () => {
  const claude = forThisTest(await startClaude({ fault: () => overloaded }))
  const other = forThisTest(await startClaude({ fault: () => noTools }))
  const calls: AnsweredCall[] = []
  const config = configOf(targetAt(claude, 'anthropic'), targetAt(other, 'anthropic'), {
    retry: { attempts: 2, baseDelay: '1ms', maxDelay: '1ms' },
    circuitBreaker: { minimumCalls: 2, failureRate: 0.5 },
  })
  const gateway = await gatewayOf(config, calls)
  const ask = () => send(`${gateway.url}/v1/messages`, { body: messages() })
  const first = await ask()
  expect([first.status, first.headers['x-spillway-failures']]).toEqual([
    529,
    'claude overloaded 529 (2 times), local invalid_request 400',
  ])
  const second = await ask()
  expect([second.status, second.headers['x-spillway-failures']]).toEqual([
    503,
    'claude circuit_open, local invalid_request 400',
  ])
  const line = callLine(calls[1] as AnsweredCall, new Date())
  expect(line).toMatch(/claude: open, next probe in [0-9.]+ s; local: 400 /)
})

it('an answer has no such header', async () => {
  const claude = forThisTest(await startClaude({ fault: () => overloaded }))
  const other = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), targetAt(other, 'anthropic')))
  const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect([status, headers['x-spillway-failures']]).toEqual([200, undefined])
})

it('in the library the error lists the attempts at fallbacks too, and the response has the header', async () => {
  const claude = forThisTest(await startClaude({ fault: () => overloaded }))
  const other = forThisTest(await startClaude({ fault: () => noTools }))
  const at = (url: string, name: string) =>
    createClient({ provider: 'anthropic', name, baseUrl: url, credential: ownKey.value })
  await using behind = at(other.url, 'other')
  await using client = createClient({
    ...{ provider: 'anthropic', name: 'claude', baseUrl: claude.url, credential: ownKey.value },
    middleware: [fallback([behind])],
  })
  const error: unknown = await client.complete('Hi').catch((thrown: unknown) => thrown)
  if (!isSpillwayError(error)) throw error
  const told = error.attempts.map(({ target, failure }) => [target, failure?.status, failure?.kind])
  expect(told).toEqual([
    ['claude', 529, 'overloaded'],
    ['other', 400, 'invalid_request'],
  ])
  expect(error.attempts.every(({ failure }) => failure?.requestId?.startsWith('req_'))).toBe(true)
  expect(JSON.stringify(error.attempts)).not.toContain(ownKey.value)
  const response = await client.fetch(`${claude.url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(response.headers.get('x-spillway-failures')).toBe('claude overloaded 529, other invalid_request 400')
  await response.text()
})
