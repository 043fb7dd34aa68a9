import { createRequest, jsonBodyFromBytes, jsonBodyFromObject, type ModelRequest } from '@spillway/middleware'
import { expect, it } from 'vitest'
import { TokenEstimator } from './token-estimator.ts'

function request(json: { [name: string]: unknown }, model = 'm'): ModelRequest {
  return createRequest({ api: 'anthropic', model, stream: false, url: '/', body: jsonBodyFromObject(json) })
}

const usage = {
  inputTokens: 10,
  outputTokens: 2_000,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}

it.each<[{ [name: string]: unknown }, number]>([
  [{}, 500],
  [{ max_tokens: 7 }, 7],
  [{ max_completion_tokens: 7 }, 7],
  [{ max_tokens: null, max_completion_tokens: 7 }, 7],
  [{ max_tokens: 9_000 }, 500],
  [{ max_tokens: '7' }, 500],
  [{ max_tokens: -1 }, 500],
])('an answer has no more tokens than %j allows', (json, expected) => {
  expect(new TokenEstimator().estimate(request(json)).outputTokens).toBe(expected)
})

it('reads the limit without parsing the body where its place is known', () => {
  const bytes = Buffer.from('{"max_tokens":7, broken')
  const body = jsonBodyFromBytes(bytes, new Map([['max_tokens', [14, 15]]] as const))
  const known = createRequest({ api: 'anthropic', model: 'm', stream: false, url: '/', body })
  expect(new TokenEstimator().estimate(known).outputTokens).toBe(7)
})

it('remembers the models that were used last, and not any number of them', () => {
  const estimator = new TokenEstimator()
  const guess = (model: string): number => estimator.estimate(request({}, model)).outputTokens
  for (const model of ['kept', 'forgotten']) {
    for (let time = 0; time < 20; time++) estimator.learn(request({}, model), usage)
  }
  expect(guess('kept')).toBeGreaterThan(1_000)
  for (let index = 0; index < 2_000; index++) {
    guess(`model-${index}`)
    guess('kept')
  }
  expect(guess('kept')).toBeGreaterThan(1_000)
  expect(guess('forgotten')).toBe(500)
})
