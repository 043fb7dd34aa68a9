import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { openLedgerStore } from '@spillway/ledger'
import { type Reply, startClaude, startOpenRouter } from '@spillway/testing'
import { expect, test } from 'vitest'
import { callTeller } from '../src/cli/call-line.ts'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

const beforeOutput: Reply = { text: '', stopReason: 'refusal', usage: { inputTokens: 412, outputTokens: 0 } }
const afterOutput: Reply = { text: 'First the', stopReason: 'refusal', usage: { outputTokens: 3 } }

test.each([
  ['before any output', beforeOutput, false, 'free'],
  ['before any output, in a stream', beforeOutput, true, 'free'],
  ['after some output', afterOutput, false, 'billed'],
  ['after some output, in a stream', afterOutput, true, 'billed'],
])('a model that declines %s is told as a refusal everywhere', async (_, reply, stream, bill) => {
  const claude = forThisTest(await startClaude({ reply }))
  const file = join(temporaryFolder(), 'ledger.db')
  const calls: AnsweredCall[] = []
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url: `sqlite:${file}` } }),
    calls,
  )
  const { status, headers, text } = await send(`${gateway.url}/v1/messages`, {
    body: messages({ model: 'claude-opus-5-5', stream }),
  })
  expect([status, headers['x-should-retry'], headers['x-spillway-fallback']]).toEqual([
    200,
    undefined,
    undefined,
  ])
  expect(text).toBe(Buffer.from(claude.requests[0]?.sent ?? []).toString())

  const lines: string[] = []
  callTeller((line) => lines.push(stripVTControlCharacters(line)))(calls[0] as AnsweredCall)
  await calls[0]?.response.outcome
  expect(lines.at(-1)).toMatch(/^\S+ {2}claude +refusal .*the model declined to answer/)

  const metrics = await send(`${gateway.url}/metrics`, { method: 'GET' })
  expect(metrics.text).toMatch(
    /^spillway_attempt_duration_count\{(?=.*spillway_target="claude")(?=.*error_type="refusal").*\} 1$/m,
  )
  expect(metrics.text).toMatch(/^spillway_calls_total\{(?=.*error_type="refusal").*\} 1$/m)
  const live = JSON.parse((await send(`${gateway.url}/api/calls`, { method: 'GET' })).text)
  expect(live.calls[0]).toMatchObject({ failure: 'refusal', target: 'claude' })
  await gateway.close(0)

  const store = forThisTest(openLedgerStore(`sqlite:${file}`))
  const [total] = await store.totals('target', { from: 0, to: Number.MAX_SAFE_INTEGER })
  expect(Number(total?.costNano) > 0).toBe(bill === 'billed')
})

test('a filtered chat completion is told as a refusal, in the protocol of OpenAI too', async () => {
  const router = forThisTest(await startOpenRouter({ reply: beforeOutput }))
  const calls: AnsweredCall[] = []
  const gateway = await gatewayOf(configOf(targetAt(router, 'openrouter')), calls)
  for (const stream of [false, true]) {
    const { status, text } = await send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream }) })
    expect([status, text.includes('content_filter')]).toEqual([200, true])
  }
  const outcomes = await Promise.all(calls.map(({ response }) => response.outcome))
  expect(outcomes.map(({ failure }) => failure?.kind)).toEqual(['refusal', 'refusal'])
})

test('models that decline open no circuit and suspend no key', async () => {
  const claude = forThisTest(await startClaude({ reply: beforeOutput }))
  const circuitBreaker = { minimumCalls: 2 }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { circuitBreaker }))
  for (let call = 0; call < 6; call++)
    expect((await send(`${gateway.url}/v1/messages`, { body: messages() })).status).toBe(200)
  expect(claude.requests).toHaveLength(6)
})
