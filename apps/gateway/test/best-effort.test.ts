import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { type Gateway, type GatewayOptions, parseConfig, startGateway } from '../src/index.ts'
import { freezable } from './frozen.ts'
import { configOf, forThisTest, targetAt } from './gateway.ts'
import { eventsOf, messages, send } from './raw-client.ts'
import { configFile, ready, spillway, until } from './spillway.ts'

// What watches calls must not touch them.

async function gatewayWith(options: GatewayOptions, more: object = {}): Promise<Gateway> {
  const claude = forThisTest(await startClaude())
  const { config } = parseConfig(stringify(configOf(targetAt(claude, 'anthropic'), undefined, more)), 'test')
  const gateway = await startGateway(config, { port: 0, ...options })
  onTestFinished(() => gateway.close(0))
  return gateway
}

async function expectAnswers({ url }: { readonly url: string }): Promise<void> {
  for (const stream of [false, true]) {
    const { status, ended, text } = await send(`${url}/v1/messages`, { body: messages({ stream }) })
    expect([status, ended]).toEqual([200, 'end'])
    if (stream) expect(eventsOf(text).at(-1)?.name).toBe('message_stop')
  }
}

describe('a listener that fails', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('not today')
      },
    ],
    ['rejects', () => Promise.reject(new Error('not today'))],
  ])('by which calls are told of touches no call when it %s', async (_, onAnswer) => {
    const lines: string[] = []
    const gateway = await gatewayWith({ onAnswer, log: (line) => lines.push(line) })
    await expectAnswers(gateway)
    expect(lines).toEqual(['onAnswer failed: not today', 'onAnswer failed: not today'])
  })

  it('to write lines touches neither calls nor the end', async () => {
    const log = (): never => {
      throw new Error('the disk is full')
    }
    const onAnswer = log
    const gateway = await gatewayWith({ onAnswer, log }, { state: { redis: 'redis://127.0.0.1:1' } })
    await expectAnswers(gateway)
    await gateway.close(0)
  })

  it('to count dropped lines leaves /metrics whole', async () => {
    const droppedLines = (): never => {
      throw new Error('not today')
    }
    const gateway = await gatewayWith({ droppedLines })
    const { status, text } = await send(`${gateway.url}/metrics`, { method: 'GET' })
    expect(status).toBe(200)
    expect(text).toContain('spillway_circuits')
    await expectAnswers(gateway)
  })
})

describe('a collector of telemetry', { timeout: 60_000 }, () => {
  async function collector(answer: RequestListener): Promise<string> {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const forEver: RequestListener = (req, res) => {
    req.resume()
    res.writeHead(200, { 'content-type': 'application/json' })
    const piece = Buffer.alloc(64 * 1024, '{')
    const more = (): void => {
      while (!res.destroyed && res.write(piece)) {}
    }
    res.on('drain', more)
    more()
  }

  const kinds: Readonly<Record<string, () => Promise<string>>> = {
    'never answers': async () => `http://127.0.0.1:${(await freezable()).port}`,
    'refuses connections': async () => 'http://127.0.0.1:1',
    'answers garbage for ever': () => collector(forEver),
    'resets connections': () => collector((req) => void req.socket.resetAndDestroy()),
    'answers no HTTP': () => collector((req) => void req.socket.end('no HTTP\r\n\r\n')),
    'fails, and asks to come back in a year': () =>
      collector((req, res) => {
        req.resume()
        res.writeHead(503, { 'retry-after': '31536000' }).end()
      }),
  }

  const names = Object.keys(kinds)

  // Three at a time: each waits most of its time.
  it.each([names.slice(0, 3), names.slice(3)])(
    'that %s, or %s, or %s touches neither calls nor the end',
    async (...some) => {
      await Promise.all(some.map(touchesNothing))
    },
  )

  async function touchesNothing(kind: string): Promise<void> {
    const claude = forThisTest(await startClaude())
    const otlp = await (kinds[kind] as () => Promise<string>)()
    const file = configFile(configOf(targetAt(claude, 'anthropic'), undefined, { telemetry: { otlp } }))
    // Spans are sent at once instead of every five seconds.
    const run = spillway(['start', '--config', file, '--port', '0'], {
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
    })
    await until(() => ready.test(run.stdout()))
    const url = ready.exec(run.stdout())?.[1] as string
    for (let calls = 0; calls < 10; calls++) {
      await expectAnswers({ url })
      await delay(50)
    }
    const { text } = await send(`${url}/metrics`, { method: 'GET' })
    expect(text).toContain('gen_ai')
    run.child.kill('SIGTERM')
    const signalledAt = performance.now()
    expect(await run.exit, kind).toBe(0)
    expect(performance.now() - signalledAt).toBeLessThan(10_000)
    expect(run.stderr(), kind).not.toMatch(/nothing has (caught|handled)/)
  }
})
