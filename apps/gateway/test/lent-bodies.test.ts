import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { gatewayOf, ownKey, temporaryFolder } from './gateway.ts'
import { anthropicHeaders } from './raw-client.ts'
import { wholeAnswer, wholeStream } from './raw-upstream.ts'

/** What happens to a call on its way. */
const kinds = [
  ...['plain', 'streamed', 'slow', 'early', 'busy', 'reset', 'elsewhere', 'leaves', 'leavesStream'],
] as const
type Kind = (typeof kinds)[number]

/** Bodies are told apart at any place: the text of each client has another number. Nearly all are of one size, as memory is used again for. */
function bodyOf(number: number, kind: Kind): Buffer {
  const stream = kind === 'streamed' || kind === 'leavesStream'
  const words = `client-${number} `
  const content = words.repeat(Math.ceil((number % 5 === 0 ? 200_000 : 300_000) / words.length))
  const messages = [{ role: 'user', content }]
  return Buffer.from(
    JSON.stringify({
      ...{ model: 'claude-sonnet-5-5', stream, max_tokens: 9, metadata: { user_id: `${number}-${kind}` } },
      messages,
    }),
  )
}

/** What an upstream got of one request. */
interface Arrival {
  readonly number: number
  readonly at: string
  readonly isWhole: boolean
}

interface Upstreams {
  readonly arrivals: Arrival[]
  /** Requests with any byte that their client has not sent. */
  readonly wrong: string[]
  start(name: string): Promise<string>
}

/** Upstreams that look at each byte they get. */
function watchingUpstreams(): Upstreams {
  const arrivals: Arrival[] = []
  const wrong: string[] = []
  const met = new Set<string>()
  const listen = (name: string) => (req: IncomingMessage, res: ServerResponse) => {
    const pieces: Buffer[] = []
    let known: { number: number; kind: Kind } | undefined
    const seen = (isWhole: boolean): void => {
      if (known === undefined) return
      const got = Buffer.concat(pieces)
      const sent = bodyOf(known.number, known.kind)
      const isRight = isWhole ? got.equals(sent) : got.equals(sent.subarray(0, got.length))
      if (!isRight) wrong.push(`${known.number}-${known.kind} at ${name}`)
      arrivals.push({ number: known.number, at: name, isWhole })
    }
    const respond = (): void => {
      if (known?.kind === 'streamed' || known?.kind === 'leavesStream')
        res.writeHead(200, { 'content-type': 'text/event-stream' }).end(wholeStream)
      else res.writeHead(200, { 'content-type': 'application/json' }).end(wholeAnswer)
    }
    const begin = ({ number, kind }: { number: number; kind: Kind }): void => {
      const isFirst = !met.has(`${number} ${name}`)
      met.add(`${number} ${name}`)
      if (name !== 'first') return
      const refuse = (status: number): void => {
        req.pause()
        res.writeHead(status, { 'content-type': 'application/json' })
        const type = status === 400 ? 'invalid_request_error' : 'overloaded_error'
        res.end(JSON.stringify({ type: 'error', error: { type, message: 'no' } }))
        // It goes on to read what the answer has crossed.
        setTimeout(() => req.resume(), 20)
      }
      if (kind === 'early') refuse(400)
      else if (kind === 'elsewhere' || (kind === 'busy' && isFirst)) refuse(529)
      else if (kind === 'reset' && isFirst) req.socket.destroy()
      else if (kind === 'slow' || kind === 'leaves') {
        req.pause()
        setTimeout(() => req.resume(), 15)
      }
    }
    req.on('data', (piece: Buffer) => {
      pieces.push(Buffer.from(piece))
      if (known !== undefined) return
      const [, number, kind] = /"user_id":"(\d+)-(\w+)"/.exec(piece.toString('latin1', 0, 200)) ?? []
      if (kind === undefined) return void wrong.push(`an unknown body at ${name}`)
      known = { number: Number(number), kind: kind as Kind }
      begin(known)
    })
    req.on('end', () => {
      seen(true)
      if (!res.headersSent) respond()
    })
    req.on('close', () => !req.complete && seen(false))
    req.on('error', () => {})
  }
  return {
    arrivals,
    wrong,
    async start(name) {
      const server = createServer(listen(name))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => {
        server.closeAllConnections()
        server.close()
      })
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
  }
}

async function gatewayBefore({ start }: Upstreams, more: object = {}): Promise<string> {
  const target = async (name: string) => ({
    api: 'anthropic',
    endpoints: [{ url: await start(name), credential: ownKey.reference }],
  })
  const gateway = await gatewayOf({
    targets: {
      claude: { ...(await target('first')), retry: { attempts: 2, baseDelay: '1ms', minDelay: '1ms' } },
      other: await target('other'),
      candidate: await target('candidate'),
    },
    routes: [{ models: '*', target: 'claude', fallback: ['other'] }],
    circuitBreaker: { minimumCalls: 100_000 },
    retry: { attempts: 1 },
    ...more,
  })
  return gateway.url
}

/** One call over a new connection. @returns the status; undefined for a client that leaves */
function call(url: string, number: number, kind: Kind): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const body = bodyOf(number, kind)
    const headers = { ...anthropicHeaders, 'content-length': body.length }
    const sent = request(`${url}/v1/messages`, { method: 'POST', agent: false, headers }, (response) => {
      response.on('error', () => {})
      if (kind === 'leavesStream') response.destroy()
      response.resume()
      response.on('close', () => resolve(response.statusCode))
    })
    sent.on('error', (error) => (kind === 'leaves' ? resolve(undefined) : reject(error)))
    if (kind === 'leaves') setTimeout(() => sent.destroy(), 10 + (number % 12))
    sent.end(body)
  })
}

/** Calls of so many clients, some at a time. */
async function callAll(
  url: string,
  calls: number,
  kindOf: (number: number) => Kind,
  atATime = 12,
): Promise<(number | undefined)[]> {
  const statuses: (number | undefined)[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      while (next < calls) {
        const number = next++
        statuses[number] = await call(url, number, kindOf(number))
      }
    }),
  )
  return statuses
}

/** How many bodies have been given back since. */
function countGivenBack(): () => number {
  const { transfer } = ArrayBuffer.prototype
  let count = 0
  ArrayBuffer.prototype.transfer = function (length) {
    if (this.byteLength >= 128 * 1024) count++
    return transfer.call(this, length)
  }
  onTestFinished(() => {
    ArrayBuffer.prototype.transfer = transfer
  })
  return () => count
}

const everythingOn = (): object => ({
  mirror: [{ from: 'claude', to: 'candidate', sample: 0.5 }],
  telemetry: { captureContent: true },
  storage: { url: `sqlite:${join(temporaryFolder(), 'ledger.db')}` },
})

it('each upstream gets the bytes of its own client, whatever happens to other calls', async () => {
  const upstreams = watchingUpstreams()
  const url = await gatewayBefore(upstreams, everythingOn())
  const kindOf = (number: number): Kind => kinds[number % kinds.length] as Kind
  const statuses = await callAll(url, 16 * kinds.length, kindOf)
  statuses.forEach((status, number) => {
    const kind = kindOf(number)
    if (kind === 'leaves') expect([undefined, 200]).toContain(status)
    else expect([number, kind, status]).toEqual([number, kind, kind === 'early' ? 400 : 200])
  })
  const { arrivals, wrong } = upstreams
  const mirrored = (): number => arrivals.filter(({ at }) => at === 'candidate').length
  await vi.waitFor(() => expect(mirrored()).toBeGreaterThan(kinds.length))
  expect(wrong).toEqual([])
  const whole = new Set(arrivals.filter(({ isWhole }) => isWhole).map(({ number }) => number))
  statuses.forEach((status, number) => {
    if (status === 200) expect(whole).toContain(number)
  })
  expect(arrivals.some(({ at, isWhole }) => at === 'first' && !isWhole)).toBe(true)
  expect(arrivals.some(({ at }) => at === 'other')).toBe(true)
})

it.each([
  ['', {}],
  [' and its mirrored call', { mirror: [{ from: 'claude', to: 'candidate', sample: 1, concurrency: 20 }] }],
  [', with prompts and answers kept', { telemetry: { captureContent: true } }],
])('the memory of a body is given back after its call%s', async (_, more) => {
  const upstreams = watchingUpstreams()
  const url = await gatewayBefore(upstreams, more)
  const givenBack = countGivenBack()
  await callAll(url, 20, (number) => (number % 2 === 0 ? 'plain' : 'streamed'))
  await vi.waitFor(() => expect(givenBack()).toBe(20))
  const mirrored = upstreams.arrivals.filter(({ at, isWhole }) => at === 'candidate' && isWhole)
  expect(mirrored).toHaveLength('mirror' in more ? 20 : 0)
  expect(upstreams.wrong).toEqual([])
})
