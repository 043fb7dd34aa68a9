import { createRequest, type Handler, type ModelRequest, type Outcome } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connectionLimit } from './connection-limit.ts'
import { type PoolOptions, poolSettings } from './connection-pool.ts'

const ended: Outcome = {
  failure: undefined,
  usage: undefined,
  stopReason: 'end_turn',
  model: undefined,
  timings: { startedAt: 0, end: 0 },
  bytes: 0,
}

function setUp(options: PoolOptions) {
  const clock = virtualClock()
  const open: (() => void)[] = []
  let attempts = 0
  const upstream: Handler = async () => {
    attempts++
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    open.push(() => resolve(ended))
    return {
      status: 200,
      headers: {},
      body: bodyOf(new Uint8Array()),
      failure: undefined,
      outcome: promise,
      target: 't',
    }
  }
  const handler = connectionLimit(poolSettings(options))(upstream)
  const events: string[] = []
  const request = (changes: Partial<ModelRequest> = {}): ModelRequest =>
    createRequest({
      ...{ api: 'anthropic', model: 'm', stream: true, url: '/v1/messages', clock },
      body: jsonBodyFromObject({ model: 'm' }),
      listeners: [({ type }) => events.push(type)],
      ...changes,
    })
  return { clock, handler, request, open, events, attempts: () => attempts }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('connectionLimit', () => {
  it('holds a slot until the outcome, and serves waiting calls in their order', async () => {
    const { handler, request, open, events, attempts } = setUp({ connections: 2 })
    const order: number[] = []
    const calls = [0, 1, 2, 3].map((index) => handler(request()).then(() => order.push(index)))
    await settled()
    expect(attempts()).toBe(2)
    open[0]?.()
    await settled()
    expect(order).toEqual([0, 1, 2])
    open[1]?.()
    open[2]?.()
    await Promise.all(calls)
    expect(order).toEqual([0, 1, 2, 3])
    expect(events.filter((type) => type === 'connection.waited')).toHaveLength(2)
  })

  it('refuses as saturated, without an attempt, a call that waits too long', async () => {
    const { clock, handler, request, events, attempts } = setUp({ connections: 1, maxWait: 3_000 })
    await handler(request())
    const waiting = handler(request())
    await clock.advance(2_999)
    expect(events).not.toContain('refused')
    await clock.advance(1)
    const { failure, status } = await waiting
    expect(failure).toMatchObject({
      kind: 'saturated',
      origin: 'spillway',
      retryable: false,
      scope: 'endpoint',
    })
    expect(status).toBe(429)
    expect(attempts()).toBe(1)
  })

  it('waits no longer than the deadline of the call', async () => {
    const { clock, handler, request } = setUp({ connections: 1 })
    await handler(request())
    const waiting = handler(request({ deadline: clock.now() + 500 }))
    await clock.advance(500)
    expect((await waiting).failure?.kind).toBe('saturated')
  })

  it('hands a call that a fallback can answer on after two seconds', async () => {
    const { clock, handler, request } = setUp({ connections: 1 })
    await handler(request())
    const waiting = handler(request({ context: { callId: 'c', hasAlternative: true } }))
    await clock.advance(2_000)
    expect((await waiting).failure?.kind).toBe('saturated')
  })

  it('leaves half of the connections to calls that somebody waits for', async () => {
    const { handler, request, attempts } = setUp({ connections: 5 })
    const context = { callId: 'c', isShadow: true }
    const shadows = []
    for (let call = 0; call < 5; call++) shadows.push((await handler(request({ context }))).failure?.kind)
    expect(shadows).toEqual([undefined, undefined, 'saturated', 'saturated', 'saturated'])
    for (let call = 0; call < 3; call++) expect((await handler(request())).failure).toBeUndefined()
    expect(attempts()).toBe(5)
  })

  it('refuses at once what finds the queue full', async () => {
    const { handler, request } = setUp({ connections: 1, maxQueued: 1 })
    await handler(request())
    handler(request())
    expect((await handler(request())).failure?.message).toContain('1 calls are in flight and 1 wait')
  })

  it('lets an aborted call leave at once, and gives its place to the next', async () => {
    const { clock, handler, request, open, attempts } = setUp({ connections: 1 })
    await handler(request())
    const leaving = new AbortController()
    const gone = handler(request({ signal: leaving.signal }))
    const next = handler(request())
    leaving.abort(new Error('left'))
    await expect(gone).rejects.toThrow('left')
    open[0]?.()
    await next
    expect(attempts()).toBe(2)
    open[1]?.()
    await settled()
    expect(clock.pending).toBe(0)
  })

  it('gives the slot back when the attempt throws', async () => {
    const limit = connectionLimit(poolSettings({ connections: 1 }))
    const { request } = setUp({})
    const handler = limit(() => Promise.reject(new Error('broken')))
    for (let call = 0; call < 3; call++) await expect(handler(request())).rejects.toThrow('broken')
  })

  it('never exceeds the limit and never forgets a call, whatever the order of ends and aborts', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('call', 'end', 'abort', 'time'), { maxLength: 60 }),
        async (connections, steps) => {
          const { clock, handler, request, open, attempts } = setUp({ connections, maxWait: 1_000 })
          const callers: AbortController[] = []
          const results: Promise<unknown>[] = []
          let over = 0
          const end = (): void => {
            if (over >= open.length) return
            open[over++]?.()
          }
          for (const step of steps) {
            if (step === 'call') {
              const caller = new AbortController()
              callers.push(caller)
              results.push(handler(request({ signal: caller.signal })).catch(() => {}))
            } else if (step === 'end') end()
            else if (step === 'abort') callers.at(-1)?.abort()
            else await clock.advance(400)
            await settled()
            expect(attempts() - over).toBeLessThanOrEqual(connections)
          }
          while (over < open.length) {
            end()
            await settled()
          }
          await Promise.all(results)
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 60 },
    ))
})
