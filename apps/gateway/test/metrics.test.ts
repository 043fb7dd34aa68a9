import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startClaude } from '@spillway/testing'
import { expect, it, onTestFinished } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const scrape = async (url: string): Promise<string> => {
  const { status, text, headers } = await send(`${url}/metrics`, { method: 'GET' })
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  return text
}

it('tell calls, attempts, tokens, circuits, limits and the ledger', async () => {
  const claude = forThisTest(await startClaude())
  const second = forThisTest(await startClaude())
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), targetAt(second, 'anthropic'), {
      rateLimit: { requestsPerMinute: 100 },
      retry: { attempts: 2, baseDelay: '1ms' },
    }),
  )
  claude.next({ type: 'status', status: 529 }, { type: 'status', status: 529 })
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  const text = await scrape(gateway.url)
  for (const line of [
    /^spillway_calls_total\{spillway_served_by="local".*\} 1$/m,
    /^spillway_attempt_duration_count\{(?=.*spillway_target="claude")(?=.*error_type="overloaded").*\} 2$/m,
    /^spillway_events_total\{spillway_event="fallback.switched".*\} 1$/m,
    /^spillway_circuits\{spillway_target="claude",spillway_endpoint="1",spillway_circuit_state="closed".*\} 2$/m,
    /^spillway_limiter_headroom\{.*spillway_target="local".*spillway_limit="requestsPerMinute".*\} 0.99$/m,
    // Ten to begin with, a fifth for the call, and one less for its retry.
    /^spillway_retry_budget\{spillway_target="claude".*\} 9.2$/m,
    /^spillway_ledger_away(\{.*\})? 0$/m,
  ])
    expect(text).toMatch(line)
})

it('tell only so many models apart', async () => {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
  for (let i = 0; i < 130; i++)
    await send(`${gateway.url}/v1/messages`, { body: messages({ model: `claude-${i}` }) })
  const models = new Set(
    [...(await scrape(gateway.url)).matchAll(/request_model="([^"]*)"/g)].map(([, m]) => m),
  )
  expect(models.size).toBe(101)
  expect(models).toContain('_OTHER')
})

it('go to a collector, and spans too, where one is configured', async () => {
  const received: { path: string; body: string }[] = []
  const collector = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => {
      body += chunk
    })
    req.on('end', () => {
      received.push({ path: req.url ?? '', body })
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void collector.close())
  const otlp = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { telemetry: { otlp } }))
  await send(`${gateway.url}/v1/messages`, { body: messages() })
  await gateway.close(0)
  const of = (path: string) =>
    received
      .filter((each) => each.path === path)
      .map(({ body }) => body)
      .join('')
  expect(of('/v1/traces')).toContain('attempt claude')
  expect(of('/v1/traces')).toContain(String(new URL(claude.url).port))
  expect(of('/v1/metrics')).toContain('spillway.calls')
})
