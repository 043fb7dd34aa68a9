import { attempt, type Target, type Transport, target, timeouts } from '@spillway/attempt'
import { fallback } from '@spillway/circuit-breaker-fallback'
import { compose, createRequest } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { retry } from '@spillway/retry'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'

/** How one attempt goes, in milliseconds after its start; `never` for what does not come. */
interface Course {
  readonly headersAt: number
  readonly status: number
  readonly retryAfter: number | undefined
  readonly contentAfter: number
  readonly ending: 'answer' | 'reset' | 'cut'
}

const never = 10_000_000

const course: fc.Arbitrary<Course> = fc.record({
  headersAt: fc.oneof(fc.nat(50_000), fc.constant(never)),
  status: fc.constantFrom(200, 200, 200, 429, 500, 529),
  retryAfter: fc.option(fc.nat(90), { nil: undefined }),
  contentAfter: fc.oneof(fc.nat(90_000), fc.constant(never)),
  ending: fc.constantFrom('answer' as const, 'reset' as const, 'cut' as const),
})

const content =
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'

/** A transport on the clock that goes through a script of courses, over and over. */
function scripted(clock: VirtualClock, courses: readonly Course[]): Transport {
  let sent = 0
  return (_request, sink) => {
    const { headersAt, status, retryAfter, contentAfter, ending } = courses[sent++ % courses.length] as Course
    const timers: (() => void)[] = []
    timers.push(
      clock.setTimer(headersAt, () => {
        const wait = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
        sink.headers(status, {
          'content-type': status === 200 ? 'text/event-stream' : 'application/json',
          ...wait,
        })
        if (status !== 200) return sink.end()
        timers.push(
          clock.setTimer(contentAfter, () => {
            if (ending === 'answer') return sink.data(Buffer.from(content))
            if (ending === 'cut') return sink.end()
            sink.error(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
          }),
        )
      }),
    )
    const abort = (): void => {
      for (const cancel of timers) cancel()
    }
    return { pause() {}, resume() {}, abort }
  }
}

it('no call takes longer than its deadline, in 10,000 random schedules of faults, waits, retries and fallbacks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(course, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 200_000 }),
      fc.integer({ min: 1, max: 6 }),
      fc.nat(60_000),
      fc.nat(),
      async (scripts, total, attempts, reserve, seed) => {
        const clock = virtualClock({ seed })
        const [first, ...others] = scripts.map((script, index) =>
          target(`target-${index}`, compose([retry({ attempts })], attempt(scripted(clock, script)))),
        ) as [Target, ...Target[]]
        const handler = compose([timeouts({ total }), fallback(others, { reserve })], first.handler)
        const request = createRequest({
          api: 'anthropic',
          model: 'claude-sonnet-5-5',
          stream: true,
          url: '/v1/messages',
          body: jsonBodyFromObject({ model: 'claude-sonnet-5-5', stream: true }),
          clock,
        })
        const response = await clock.runUntil(handler(request))
        const answeredAt = clock.now()
        response.body.cancel()
        await response.outcome
        expect(answeredAt).toBeLessThanOrEqual(total + 1)
        expect(clock.pending).toBe(0)
      },
    ),
    { numRuns: 10_000 },
  )
}, 120_000)
