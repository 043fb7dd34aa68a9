import { createRequest, type Timeouts } from '@spillway/middleware'
import { defaultTimeouts, jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { failureResponse, timeoutFailure } from '@spillway/wire'
import { expect, it } from 'vitest'
import { localServer, localServerDefaults } from './local-server.ts'

const requestWith = (timeouts: Partial<Timeouts> = {}) =>
  createRequest({
    ...{ api: 'anthropic', model: 'm', stream: true, url: '/v1/messages', clock: virtualClock() },
    body: jsonBodyFromObject({ model: 'm' }),
    timeouts: { ...defaultTimeouts, ...timeouts },
  })

async function limitsWithin(own: Partial<Timeouts>, outer: Partial<Timeouts>): Promise<Timeouts> {
  let seen = defaultTimeouts
  const handler = localServer(own)(async (request) => {
    seen = request.timeouts
    return failureResponse(request, timeoutFailure('total', 1))
  })
  await handler(requestWith(outer))
  return seen
}

it('is not bound by limits that were set for all targets, unless they are longer', async () => {
  expect(await limitsWithin({}, {})).toMatchObject(localServerDefaults)
  expect(await limitsWithin({}, { headers: 5_000, firstContent: 20_000, idle: 10_000 })).toMatchObject(
    localServerDefaults,
  )
  expect(await limitsWithin({}, { firstContent: 900_000, idle: 900_000 })).toMatchObject({
    firstContent: 900_000,
    idle: 900_000,
  })
})

it('is bound by limits of its own', async () => {
  const own = { headers: 1_000, firstContent: 2_000, idle: 3_000 }
  expect(await limitsWithin(own, {})).toMatchObject(own)
})

it('leaves the other limits alone', async () => {
  const others = { total: 1, attempt: 2, connect: 3, stream: 4 }
  expect(await limitsWithin({}, others)).toMatchObject(others)
})

it.each([
  ['headers', false],
  ['first_content', false],
  ['idle', false],
  ['attempt', false],
  ['connect', true],
] as const)('a timeout of phase %s may be repeated: %s', async (phase, retryable) => {
  const handler = localServer()(async (request) => failureResponse(request, timeoutFailure(phase, 1)))
  expect((await handler(requestWith())).failure?.retryable).toBe(retryable)
})
