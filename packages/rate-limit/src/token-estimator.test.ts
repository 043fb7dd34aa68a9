import { createRequest, jsonBodyFromObject, type Usage } from '@spillway/middleware'
import { expect, it } from 'vitest'
import { TokenEstimator } from './token-estimator.ts'

const asked = (model: string) =>
  createRequest({
    api: 'anthropic',
    model,
    stream: false,
    url: '/v1/messages',
    body: jsonBodyFromObject({ model: 'm', text: 'a'.repeat(350) }),
  })
const usage = { inputTokens: 370, outputTokens: 7, cacheReadTokens: 0, cacheWriteTokens: 0 } as Usage

it('remembers a thousand models, those that were asked last', () => {
  const estimator = new TokenEstimator()
  const inputOf = (model: string): number => estimator.estimate(asked(model)).inputTokens
  const usual = inputOf('unknown')
  for (const model of ['used', 'forgotten']) {
    for (let call = 0; call < 20; call++) estimator.learn(asked(model), usage)
    expect(inputOf(model)).toBeGreaterThan(2 * usual)
  }
  for (let other = 0; other < 3_000; other++) {
    estimator.estimate(asked(`model ${other}`))
    if (other % 500 === 0) inputOf('used')
  }
  expect(inputOf('used')).toBeGreaterThan(2 * usual)
  expect(inputOf('forgotten')).toBe(usual)
})
