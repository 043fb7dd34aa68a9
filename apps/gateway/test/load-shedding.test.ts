import { setTimeout as delay } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { type Config, type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { clientsOf } from './clients.ts'
import { configOf, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, openSocket, type RawConnection, requestText, send } from './raw-client.ts'

let claude: SimulatedServer

beforeEach(async () => {
  claude = await startClaude()
})

afterEach(() => claude.close())

const batch = { 'x-spillway-priority': 'batch' }

const configWith = (server: object, more: object = {}): object =>
  configOf(targetAt(claude, 'anthropic'), undefined, { server, ...more })

/** A gateway that takes ten calls at a time, of which this many of these are held upstream. */
async function saturated(
  held: number,
  headers: Record<string, string> = batch,
  server: object = {},
): Promise<{ gateway: Gateway; calls: RawConnection[] }> {
  const gateway = await gatewayOf(
    configWith({ loadShedding: { maxInFlight: 10, batchMinimum: 0 }, ...server }),
  )
  return { gateway, calls: await hold(gateway, held, headers) }
}

async function hold(
  gateway: Gateway,
  held: number,
  headers: Record<string, string>,
): Promise<RawConnection[]> {
  claude.always({ type: 'stall', afterChunks: 1, ms: 60_000 })
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const text = requestText('/v1/messages', messages({ stream: true }), lines)
  const calls = await Promise.all(Array.from({ length: held }, () => openSocket(gateway.url, text)))
  onTestFinished(() => {
    for (const { socket } of calls) socket.destroy()
  })
  while (!calls.every(({ received }) => received().includes('content_block_delta'))) await delay(5)
  claude.always(undefined)
  return calls
}

const ask = (url: string, headers: Record<string, string> = {}, body: object = messages()) =>
  send(`${url}/v1/messages`, { headers, body })

describe('a gateway whose calls in flight are as many as batch calls may be', () => {
  it('refuses batch calls in the words of each protocol, and answers interactive ones', async () => {
    const { gateway } = await saturated(8)
    const shed = await ask(gateway.url, batch)
    expect(JSON.parse(shed.text)).toMatchObject({
      type: 'error',
      error: {
        type: 'overloaded_error',
        message: expect.stringContaining('sheds calls with the priority batch'),
      },
    })
    expect(shed).toMatchObject({ status: 529, headers: { 'x-should-retry': 'true' } })
    const after = Number(shed.headers['retry-after-ms'])
    expect([after >= 5_000, after <= 15_000]).toEqual([true, true])
    expect(Number(shed.headers['retry-after'])).toBe(Math.ceil(after / 1_000))
    const openai = await send(`${gateway.url}/v1/chat/completions`, { body: chat(), headers: batch })
    expect(openai.status).toBe(529)
    expect(JSON.parse(openai.text).error).toMatchObject({ type: 'server_error' })
    const bedrock = await send(`${gateway.url}/model/anthropic.claude-sonnet-5-5/invoke`, {
      body: {},
      headers: batch,
    })
    expect(bedrock.status).toBe(503)
    expect(claude.requests).toHaveLength(8)
    expect((await ask(gateway.url)).status).toBe(200)
  })

  it('refuses by the head, before the body is sent', async () => {
    const { gateway } = await saturated(8)
    const head = requestText('/v1/messages', messages(), ['x-spillway-priority: batch']).split('\r\n\r\n')[0]
    const { received, socket } = await openSocket(gateway.url, `${head}\r\n\r\n`)
    while (!received().includes('overloaded_error')) await delay(5)
    expect(received()).toMatch(/^HTTP\/1.1 529 /)
    socket.destroy()
  })

  it('touches no call in flight, and nothing that is no call', async () => {
    const { gateway, calls } = await saturated(10, {})
    expect((await ask(gateway.url)).status).toBe(529)
    const ready = await send(`${gateway.url}/readyz`, { method: 'GET' })
    expect([ready.status, JSON.parse(ready.text).shedding]).toEqual([200, 'all'])
    for (const path of ['/healthz', '/v1/models', '/api/targets', '/metrics', '/'])
      expect([path, (await send(`${gateway.url}${path}`, { method: 'GET' })).status]).toEqual([path, 200])
    const alerts = await send(`${gateway.url}/api/alerts`, { method: 'GET' })
    expect(JSON.parse(alerts.text).alerts).toMatchObject([{ kind: 'load_shedding', severity: 'critical' }])
    const { text } = await send(`${gateway.url}/metrics`, { method: 'GET' })
    expect(text).toMatch(/spillway_server_shed_total\{[^}]*interactive[^}]*calls_in_flight[^}]*\} 1\b/)
    expect(text).toMatch(/spillway_server_calls\{[^}]*interactive[^}]*\} 10\b/)
    expect(calls.every(({ socket }) => !socket.destroyed)).toBe(true)
    calls[0]?.socket.destroy()
    while ((await ask(gateway.url)).status !== 200) await delay(5)
  })

  it('answers again when calls have ended, and its log has one line for all that was refused', async () => {
    const { config } = parseConfig(stringify(configWith({ loadShedding: { maxInFlight: 10 } })), 'test.yaml')
    const lines: string[] = []
    const refused: unknown[] = []
    const gateway = await startGateway(config as Config, {
      port: 0,
      log: (line) => lines.push(line),
      onRefused: (request) => refused.push(request),
    })
    onTestFinished(() => gateway.close(0))
    await hold(gateway, 8, batch)
    for (let call = 0; call < 20; call++) expect((await ask(gateway.url, batch)).status).toBe(529)
    expect([lines.filter((line) => line.includes('load shedding')).length, refused]).toEqual([1, []])
    const more = { ...config, server: { ...config.server, loadShedding: { maxInFlight: 20 } } } as Config
    expect(await gateway.reload(more)).toEqual({
      changed: ['server.loadShedding.maxInFlight'],
      needRestart: [],
    })
    expect((await ask(gateway.url, batch)).status).toBe(200)
  })
})

describe('the priority of a call', () => {
  it('is that of its client, which a header lowers, and raises where the client may', async () => {
    const clients = await clientsOf({
      nightly: { priority: 'batch' },
      app: {},
      pager: { priority: 8, permissions: ['chat', 'priority'] },
    })
    const { gateway } = await saturated(
      8,
      { authorization: `Bearer ${clients.keys.app}` },
      { ...clients.server },
    )
    const statusOf = async (name: string, priority?: string) => {
      const headers = { 'x-api-key': clients.keys[name] as string }
      return (await ask(gateway.url, priority ? { ...headers, 'x-spillway-priority': priority } : headers))
        .status
    }
    expect(await statusOf('nightly')).toBe(529)
    expect(await statusOf('nightly', '0')).toBe(529)
    expect(await statusOf('app')).toBe(200)
    expect(await statusOf('app', 'batch')).toBe(529)
    expect(await statusOf('app', '6')).toBe(200)
    expect(await statusOf('pager', '9')).toBe(529)
    expect(await statusOf('pager', 'interactive')).toBe(200)
    expect(claude.requests.some(({ headers }) => 'x-spillway-priority' in headers)).toBe(false)
  })

  it('that makes no sense is refused, with what is expected', async () => {
    const { gateway } = await saturated(0)
    const { status, text } = await ask(gateway.url, { 'x-spillway-priority': 'bacth' })
    expect([status, JSON.parse(text).error.message]).toEqual([
      400,
      'x-spillway-priority: expected interactive, batch, or a whole number from 0 (first) to 9 (last)',
    ])
  })

  it('is lowered by its route, never raised by it', async () => {
    const routes = [
      { models: '*haiku*', target: 'claude', priority: 'batch' },
      { models: '*', target: 'claude', priority: 0 },
    ]
    const gateway = await gatewayOf(
      configWith({ loadShedding: { maxInFlight: 10, batchMinimum: 0 } }, { routes }),
    )
    await hold(gateway, 9, {})
    const shed = await ask(gateway.url, {}, messages({ model: 'claude-haiku-5-5' }))
    expect([shed.status, shed.headers['x-should-retry']]).toEqual([529, 'true'])
    expect((await ask(gateway.url)).status).toBe(200)
    expect((await ask(gateway.url, batch)).status).toBe(529)
  })

  it('orders the calls that wait for a limit, too', async () => {
    const order: string[] = []
    const gateway = await gatewayOf(
      configWith({}, { rateLimit: { concurrency: 1, priority: { '*haiku*': 7 } } }),
    )
    claude.always({ type: 'slow-headers', ms: 150 })
    const one = async (name: string, headers: Record<string, string>, model = 'claude-sonnet-5-5') => {
      await ask(gateway.url, headers, messages({ model }))
      order.push(name)
    }
    const first = one('first', {})
    while (claude.requests.length === 0) await delay(5)
    const waiting = [one('batch', batch)]
    await delay(30)
    waiting.push(one('haiku', {}, 'claude-haiku-5-5'))
    await delay(30)
    waiting.push(one('interactive', {}))
    await Promise.all([first, ...waiting])
    expect(order).toEqual(['first', 'interactive', 'haiku', 'batch'])
  })
})

it('an official SDK comes again by itself, and is answered', async () => {
  const { gateway, calls } = await saturated(10, {})
  const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: 'sk-any', maxRetries: 1 })
  const asked = anthropic.messages.create(messages() as never)
  await delay(200)
  for (const { socket } of calls) socket.destroy()
  expect((await asked).type).toBe('message')
  const { text } = await send(`${gateway.url}/metrics`, { method: 'GET' })
  expect(text).toMatch(/spillway_server_shed_total\{[^}]*interactive[^}]*calls_in_flight[^}]*\} 1\b/)
})
