import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRequest, emit, type Handler, type Outcome } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { createRateLimit } from './rate-limit.ts'
import { SlidingWindow, slots } from './sliding-window.ts'

const outcome: Outcome = {
  failure: undefined,
  usage: undefined,
  stopReason: 'end_turn',
  model: undefined,
  timings: { startedAt: 0, end: 1 },
  bytes: 1,
}
const answer: Handler = async (request) => {
  emit(request, 'attempt.started', { model: request.model })
  return {
    status: 200,
    headers: {},
    body: bodyOf(new Uint8Array(1)),
    failure: undefined,
    outcome: Promise.resolve(outcome),
    target: undefined,
  }
}

it('a key that somebody made up for one call holds little', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const held = (): number => {
    gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const limit = createRateLimit({
    requestsPerMinute: 1_000,
    inputTokensPerMinute: 1_000_000,
    outputTokensPerMinute: 100_000,
    concurrency: 50,
    key: ({ context }) => context.tenant ?? '',
  })
  const handler = limit.middleware(answer)
  const call = async (tenant: string): Promise<void> => {
    const body = jsonBodyFromObject({ messages: [] })
    await handler(
      createRequest({ api: 'anthropic', model: 'm', stream: false, url: '/', body, context: { tenant } }),
    )
  }
  for (let key = 0; key < 200; key++) await call(`warm-${key}`)
  const before = held()
  const keys = 2_000
  for (let key = 0; key < keys; key++) await call(`key-${key}`)
  expect((held() - before) / keys).toBeLessThan(2 * 1_024)
  expect(limit.limiter('key-7')?.headroom(performance.now()).requestsPerMinute?.used).toBe(1)
})

it('a window counts the same wherever its slots lie', () => {
  const windowMs = slots * 10
  const window = new SlidingWindow(windowMs)
  const spent: { at: number; amount: number }[] = []
  let now = 5
  for (let step = 0; step < 5_000; step++) {
    now += (step * 7_919) % 130
    const amount = (step % 5) + 1
    spent.push({ at: now, amount })
    window.spend(amount, now)
    const oldest = Math.floor(now / 10) - slots
    const expected = spent.reduce(
      (sum, each) => sum + (Math.floor(each.at / 10) >= oldest ? each.amount : 0),
      0,
    )
    expect(window.spent(now)).toBe(expected)
    if (step % 1_000 === 999) now += 2 * windowMs
    while (spent.length > 0 && Math.floor((spent[0]?.at ?? 0) / 10) < oldest) spent.shift()
  }
})
