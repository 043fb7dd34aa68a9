import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Fault, type RecordedRequest, type SimulatedServer, startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { messages, openSocket, type RawConnection, requestText } from './raw-client.ts'

/** How long the upstream may wait for the news that the client has left, in milliseconds. */
const promptly = 100

interface Moment {
  readonly name: string
  readonly fault: Fault
  readonly stream: boolean
  /** Whether the call has come to the moment at which the client leaves. */
  readonly reached: (upstream: RecordedRequest, connection: RawConnection) => boolean
}

const moments: readonly Moment[] = [
  {
    name: 'during the headers',
    fault: { type: 'slow-headers', ms: Infinity },
    stream: false,
    reached: () => true,
  },
  {
    name: 'during the headers of a stream',
    fault: { type: 'slow-headers', ms: Infinity },
    stream: true,
    reached: () => true,
  },
  {
    name: 'before the first token',
    fault: { type: 'slow-first-token', ms: Infinity, pings: 20 },
    stream: true,
    reached: (upstream) => upstream.status === 200,
  },
  {
    name: 'in the middle of the stream',
    fault: { type: 'stall', afterChunks: 3, ms: Infinity },
    stream: true,
    reached: (_, connection) => connection.received().includes('content_block_delta'),
  },
  {
    name: 'in the middle of a body that is not streamed',
    fault: { type: 'stall', afterChunks: 0, ms: Infinity },
    stream: false,
    reached: (upstream) => upstream.sent.length > 0,
  },
]

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition was not met within five seconds')
    await delay(5)
  }
}

/** Calls, waits for the moment and leaves; returns how long the upstream had to wait for the news. */
async function leaveAt(
  moment: Moment,
  gatewayUrl: string,
  claude: SimulatedServer,
  how: 'destroy' | 'resetAndDestroy',
): Promise<number> {
  claude.next(moment.fault)
  const arrival = claude.nextRequest()
  const text = requestText('/v1/messages', messages({ stream: moment.stream }))
  const connection = await openSocket(gatewayUrl, text)
  const upstream = await arrival
  await until(() => moment.reached(upstream, connection))
  const leftAt = performance.now()
  connection.socket[how]()
  return (await upstream.closedByPeer) - leftAt
}

describe.each(moments)('a client that leaves $name', (moment) => {
  it.each(['destroy', 'resetAndDestroy'] as const)(
    'closes the connection to the upstream at once (%s)',
    { retry: 2 },
    async (how) => {
      const claude = forThisTest(await startClaude())
      const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
      expect(await leaveAt(moment, gateway.url, claude, how)).toBeLessThan(promptly)
    },
  )

  it('does not make the gateway ask the fallback', async () => {
    const claude = forThisTest(await startClaude())
    const second = forThisTest(await startClaude())
    const config = configOf(targetAt(claude, 'anthropic'), targetAt(second, 'anthropic'))
    const gateway = await gatewayOf(config)
    await leaveAt(moment, gateway.url, claude, 'destroy')
    await delay(50)
    expect(second.requests).toHaveLength(0)
  })
})

describe('in a process of its own', () => {
  /** A gateway in another process, which tells over IPC what it holds. */
  async function childGateway(claudeUrl: string) {
    const child = fork(fileURLToPath(new URL('gateway-child.ts', import.meta.url)), {
      execArgv: ['--conditions=@spillway/source', '--disable-warning=ExperimentalWarning'],
      env: { ...process.env, CLAUDE_URL: claudeUrl, SPILLWAY_TEST_KEY: ownKey.value },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const died = once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`the gateway exited with ${code}`)),
    )
    died.catch(() => {})
    const message = async (): Promise<unknown> => (await Promise.race([once(child, 'message'), died]))[0]
    const { url } = (await message()) as { url: string }
    const report = (): Promise<Holdings> => {
      child.send('report')
      return message() as Promise<Holdings>
    }
    /** Once the ledger has written its rows: it does so in a worker, a moment after the calls. */
    const holdings = (): Promise<Holdings> =>
      vi.waitFor(async () => {
        const held = await report()
        expect(held.resources).not.toHaveProperty('MessagePort')
        expect(held.resources).not.toHaveProperty('Timeout')
        return held
      }, 5000)
    return { url, holdings }
  }

  interface Holdings {
    /** How many of each kind of what keeps a process alive. */
    readonly resources: Readonly<Record<string, number>>
    readonly listeners: number
  }

  it('fifty clients that leave at every moment leave nothing behind', { timeout: 60_000 }, async () => {
    const claude = forThisTest(await startClaude())
    const { url, holdings } = await childGateway(claude.url)
    const leaveAtEveryMoment = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        for (const moment of moments) await leaveAt(moment, url, claude, 'destroy')
      }
    }
    await leaveAtEveryMoment(1)
    const before = await holdings()
    await leaveAtEveryMoment(10)
    const after = await holdings()
    expect(after.resources).toEqual(before.resources)
    expect(after.listeners).toBe(before.listeners)
    expect(after.resources).not.toHaveProperty('TCPSocketWrap')
    expect(claude.connections).toBe(0)
  })

  it('fifty answered calls leave nothing behind either', { timeout: 60_000 }, async () => {
    const claude = forThisTest(await startClaude())
    const { url, holdings } = await childGateway(claude.url)
    const call = async (stream: boolean): Promise<void> => {
      const headers = { 'anthropic-version': '2023-06-01', connection: 'close' }
      const body = JSON.stringify(messages({ stream }))
      await (await fetch(`${url}/v1/messages`, { method: 'POST', headers, body })).text()
    }
    await call(true)
    const before = await holdings()
    for (let turn = 0; turn < 25; turn++) {
      await call(true)
      await call(false)
    }
    await delay(100)
    const after = await holdings()
    expect(after.listeners).toBe(before.listeners)
    expect(after.resources.Timeout ?? 0).toBeLessThanOrEqual(before.resources.Timeout ?? 0)
    expect(after.resources.TCPSocketWrap ?? 0).toBeLessThanOrEqual(before.resources.TCPSocketWrap ?? 0)
  })
})
