import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRequest, type Usage } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { TokenEstimator } from './token-estimator.ts'

const usage: Usage = {
  inputTokens: 1_500,
  outputTokens: 10,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}
const body = jsonBodyFromObject({ messages: [{ role: 'user', content: 'word '.repeat(1_200) }] })

function ask(estimator: TokenEstimator, session: string): number | undefined {
  const request = createRequest({
    api: 'anthropic',
    // As it comes out of a body: a string of its own with each request.
    model: Buffer.from('claude-sonnet-5-5').toString(),
    ...{ stream: false, url: '/', body, context: { session } },
  })
  const estimate = estimator.estimate(request)
  estimator.learn(estimate, usage)
  return estimate.prompt?.before?.total
}

it('conversations that callers invent hold a bounded and small part of the memory', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const held = (): number => {
    gc()
    return process.memoryUsage().heapUsed
  }
  ask(new TokenEstimator(), 'warm')
  const estimator = new TokenEstimator()
  const before = held()
  for (let index = 0; index < 6_000; index++) ask(estimator, `session-${index}`)
  const full = held()
  for (let index = 6_000; index < 12_000; index++) ask(estimator, `session-${index}`)
  const later = held()
  // About 190 bytes for each of 5,000, the map included.
  expect((full - before) / 5_000).toBeLessThan(260)
  expect(later - full).toBeLessThan(0.5 * 2 ** 20)
  expect(ask(estimator, 'session-0')).toBeUndefined()
  expect(ask(estimator, 'session-11999')).toBe(1_500)
})
