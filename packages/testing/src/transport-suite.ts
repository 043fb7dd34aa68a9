import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { startClaude } from './claude.ts'
import type { ConformanceCase } from './limit-store-suite.ts'
import type { SimulatedServer } from './simulated-server.ts'

interface Sink {
  sent?(): void
  headers(status: number, headers: { readonly [name: string]: string | readonly string[] }): void
  data(chunk: Uint8Array): void
  end(): void
  error(error: unknown): void
  fault(error: unknown): void
}

interface Handle {
  pause(): void
  resume(): void
  abort(reason: unknown): void
}

/** What the suite needs of a transport; a `Transport` of `@spillway/attempt` has it. */
export type TestedTransport = (request: ModelRequest, sink: Sink) => Handle

/** Makes a transport that carries requests to this address, over HTTP. */
export type OpenTransport = (url: string) => TestedTransport | Promise<TestedTransport>

/** How long anything may take to happen, in milliseconds. */
const happensWithin = 5_000

interface Exchange {
  readonly handle: Handle
  /** The calls of the sink, in their order; a run of `data` is one. */
  readonly calls: readonly string[]
  readonly status: number | undefined
  text(): string
  bytes(): number
  /** Waits until this holds. */
  until(isMet: () => boolean): Promise<void>
}

const short = 'Hello from the dam.'
/** More than fits the buffers of both ends of a connection. */
const long = 'Water. '.repeat(1_200_000)
const wantsMuch = 'Tell me everything.'

const isEnd = (call: string | undefined): boolean => call === 'end' || call === 'error' || call === 'fault'

function exchange(transport: TestedTransport, url: string, stream: boolean, prompt: string): Exchange {
  const model = 'claude-sonnet-5-5'
  const body = { model, max_tokens: 64, stream, messages: [{ role: 'user', content: prompt }] }
  const request = createRequest({
    ...{ api: 'anthropic', model, stream, url: `${url}/v1/messages`, body: jsonBodyFromObject(body) },
    headers: { 'content-type': 'application/json', 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
  })
  const calls: string[] = []
  const chunks: Uint8Array[] = []
  let status: number | undefined
  let bytes = 0
  let hasReturned = false
  const note = (call: string): void => {
    assert.ok(hasReturned, `the sink heard ${call} before the transport had returned`)
    assert.ok(!isEnd(calls.at(-1)), `the sink heard ${call} after ${calls.at(-1)}`)
    if (call !== 'data' || calls.at(-1) !== 'data') calls.push(call)
  }
  const handle = transport(request, {
    sent: () => note('sent'),
    headers(received) {
      note('headers')
      status = received
    },
    data(chunk) {
      note('data')
      bytes += chunk.length
      chunks.push(chunk.slice())
    },
    end: () => note('end'),
    error: () => note('error'),
    fault: () => note('fault'),
  })
  hasReturned = true
  return {
    handle,
    calls,
    get status() {
      return status
    },
    text: () => Buffer.concat(chunks).toString(),
    bytes: () => bytes,
    async until(isMet) {
      for (const end = performance.now() + happensWithin; !isMet(); await delay(2))
        assert.ok(
          performance.now() < end,
          `not within ${happensWithin} ms; the sink heard ${calls.join(', ')}`,
        )
    },
  }
}

/** What every transport must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function transportCases(open: OpenTransport): ConformanceCase[] {
  const on = (
    name: string,
    run: (ask: (stream?: boolean, prompt?: string) => Exchange, server: SimulatedServer) => Promise<void>,
  ): ConformanceCase => ({
    name,
    async run() {
      await using server = await startClaude({
        chunks: 16,
        reply: ({ body }) => ({ text: body.toString().includes(wantsMuch) ? long : short }),
      })
      const transport = await open(server.url)
      await run(
        (stream = false, prompt = 'Hello?') => exchange(transport, server.url, stream, prompt),
        server,
      )
    },
  })
  const order = ({ calls }: Exchange): string[] => calls.filter((call) => call !== 'sent')
  return [
    on('gives headers, then the body, then its end, each once', async (ask) => {
      const whole = ask()
      await whole.until(() => isEnd(whole.calls.at(-1)))
      assert.deepEqual(order(whole), ['headers', 'data', 'end'])
      assert.equal(whole.status, 200)
      assert.match(whole.text(), /Hello from the dam/)
    }),

    on('gives a stream as it comes', async (ask, server) => {
      server.next({ type: 'stall', afterChunks: 1, ms: Infinity })
      const stream = ask(true)
      await stream.until(() => stream.text().includes('content_block_delta'))
      assert.deepEqual(order(stream), ['headers', 'data'])
      stream.handle.abort(new Error('enough'))
    }),

    on('takes an error of the upstream for an answer', async (ask, server) => {
      server.next({ type: 'status', status: 529 })
      const refused = ask()
      await refused.until(() => isEnd(refused.calls.at(-1)))
      assert.deepEqual(order(refused), ['headers', 'data', 'end'])
      assert.equal(refused.status, 529)
    }),

    on('says that the network failed, before the headers and after them', async (ask, server) => {
      server.next({ type: 'reset' }, { type: 'cut', at: 'after-content', how: 'reset' })
      const early = ask(true)
      await early.until(() => isEnd(early.calls.at(-1)))
      assert.deepEqual(order(early), ['error'])
      const late = ask(true)
      await late.until(() => isEnd(late.calls.at(-1)))
      assert.deepEqual(order(late), ['headers', 'data', 'error'])
    }),

    on('closes the connection when it is aborted, and is silent then', async (ask, server) => {
      server.next({ type: 'stall', afterChunks: 1, ms: Infinity })
      const stream = ask(true)
      await stream.until(() => stream.bytes() > 0)
      stream.handle.abort(new Error('the caller left'))
      const heard = stream.calls.length
      const request = server.requests.at(-1)
      await Promise.race([request?.closedByPeer, delay(happensWithin)])
      assert.ok(request?.closedAt !== undefined, 'the upstream goes on')
      await delay(20)
      assert.equal(stream.calls.length, heard)
    }),

    on('can be aborted before anything has come, and after the end', async (ask, server) => {
      const unsent = ask()
      unsent.handle.abort(new Error('the caller left at once'))
      server.always({ type: 'slow-headers', ms: Infinity })
      const unanswered = ask()
      await unanswered.until(() => server.requests.some(({ closedAt }) => closedAt === undefined))
      unanswered.handle.abort(new Error('the caller left'))
      server.always(undefined)
      const late = ask()
      await late.until(() => isEnd(late.calls.at(-1)))
      late.handle.abort(new Error('too late'))
      late.handle.pause()
      late.handle.resume()
      assert.deepEqual([...order(unsent), ...order(unanswered)], [])
      assert.equal(late.calls.at(-1), 'end')
    }),

    on('gives no data while it is paused, and all of it afterwards', async (ask) => {
      const stream = ask(true, wantsMuch)
      await stream.until(() => stream.bytes() > 0)
      stream.handle.pause()
      // What has arrived by then may still come.
      await delay(20)
      const before = stream.bytes()
      await delay(50)
      assert.equal(stream.bytes(), before)
      assert.ok(!isEnd(stream.calls.at(-1)), 'the answer ended while it was paused')
      stream.handle.resume()
      await stream.until(() => isEnd(stream.calls.at(-1)))
      assert.ok(stream.bytes() > long.length)
      assert.match(stream.text(), /message_stop/)
    }),

    on('carries many at a time, each to its own sink', async (ask, server) => {
      const all = Array.from({ length: 20 }, () => ask())
      for (const each of all) await each.until(() => isEnd(each.calls.at(-1)))
      assert.ok(all.every((each) => order(each).join() === 'headers,data,end'))
      assert.equal(server.requests.length, 20)
    }),
  ]
}
