import { costOf } from '@spillway/usage'
import { expect, it } from 'vitest'
import type { TargetConfig } from './config.ts'
import { priceTableOf } from './prices.ts'

const cost = (target: Pick<TargetConfig, 'api' | 'endpoints' | 'prices'>): number | undefined => {
  const usage = { inputTokens: 1000, outputTokens: 100 } as never
  const facts = { model: 'llama3.2', provider: 'ollama', at: Date.UTC(2026, 10, 27) }
  return costOf(usage, facts, priceTableOf(target as TargetConfig)).nanoDollars
}

it.each(['http://localhost:11434', 'http://127.0.0.1:11434/v1', 'http://[::1]:11434'])(
  'what Ollama at %s answers costs nothing',
  (url) => {
    expect(cost({ api: 'ollama', endpoints: [{ url }] })).toBe(0)
  },
)

it('what Ollama elsewhere answers has no price, unless the configuration says one', () => {
  const endpoints = [{ url: 'http://127.0.0.1:11434' }, { url: 'https://ollama.example.com' }]
  expect(cost({ api: 'ollama', endpoints })).toBeUndefined()
  const prices = [{ models: ['*'], input: 1, output: 2 }]
  expect(cost({ api: 'ollama', endpoints, prices })).toBe(1_200_000)
})
