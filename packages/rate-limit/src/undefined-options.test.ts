import { createRequest, type Handler } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { failureResponse } from '@spillway/wire'
import { expect, it, vi } from 'vitest'
import { adaptiveConcurrencyDefaults } from './gradient.ts'
import { createRateLimit, type RateLimitOptions, rateLimitDefaults } from './rate-limit.ts'

/** What a limit does with calls at once: who is admitted, who is refused, and when. */
async function story(options: object): Promise<unknown> {
  const clock = virtualClock()
  const limit = createRateLimit({ requestsPerSecond: 2, concurrency: 2, ...options } as RateLimitOptions)
  const answer: Handler = async (call) => {
    const response = failureResponse(call, {
      ...{ kind: 'server', message: '', retryable: true, scope: 'endpoint', origin: 'upstream' },
    })
    return { ...response, failure: undefined }
  }
  const handler = limit.middleware(answer)
  const calls = Array.from({ length: 80 }, async () => {
    const body = jsonBodyFromObject({ model: 'm', messages: [] })
    const request = createRequest({ api: 'anthropic', model: 'm', stream: false, url: '/', body, clock })
    const { failure } = await handler(request)
    return [failure?.kind, clock.now()]
  })
  const told = await clock.runUntil(Promise.all(calls))
  return [told, limit.limiter()?.headroom(clock.now())]
}

const others = [
  'countRequestsPerMinute',
  'store',
  'adaptiveConcurrency',
  'inputTokensPerMinute',
  'outputTokensPerMinute',
]

it.each([...Object.keys(rateLimitDefaults), ...others])(
  'rateLimit.%s that is undefined means its default',
  async (name) => {
    expect(await story({ [name]: undefined })).toEqual(await story({}))
  },
)

it.each(Object.keys(adaptiveConcurrencyDefaults))(
  'rateLimit.adaptiveConcurrency.%s that is undefined means its default',
  async (name) => {
    const usual = await story({ adaptiveConcurrency: {} })
    expect(await story({ adaptiveConcurrency: { [name]: undefined } })).toEqual(usual)
  },
)

it.each(['priority', 'key', 'group'])(
  'rateLimit.%s that throws leaves it to its default, and is told of once',
  async (name) => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const broken = (): never => {
      throw new Error('sk-secret')
    }
    expect(await story({ [name]: broken })).toEqual(await story({}))
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      expect.stringContaining(`rateLimit.${name} threw Error`),
    ])
    warn.mockRestore()
  },
)
