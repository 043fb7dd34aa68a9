import { expect, it } from 'vitest'
import { isRegional, priceName } from './price-name.ts'
import { findPrice } from './price-table.ts'
import { publishedPrices } from './published-prices.ts'

it.each([
  ['anthropic/claude-opus-5.5', 'claude-opus-5-5'],
  ['~anthropic/claude-sonnet-5.5:floor', 'claude-sonnet-5-5'],
  ['anthropic/claude-4.5-haiku-20251001', 'claude-haiku-4-5'],
  ['anthropic/claude-4-sonnet-20250522', 'claude-sonnet-4'],
  ['anthropic/claude-3.7-sonnet:thinking', 'claude-sonnet-3-7'],
  ['claude-haiku-4-5@20251001', 'claude-haiku-4-5'],
  ['claude-3-5-sonnet-v2@20241022', 'claude-sonnet-3-5'],
  ['anthropic.claude-opus-4-6-v1', 'claude-opus-4-6'],
  ['us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5'],
  ['arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-opus-5', 'claude-opus-5'],
  ['claude-opus-4-0', 'claude-opus-4'],
  ['claude-fable-5-1[1m]', 'claude-fable-5-1'],
  ['Claude-3-Opus-Latest', 'claude-opus-3'],
  ['gpt-4o-2024-08-06', 'gpt-4o'],
  ['openai/gpt-4.1', 'gpt-4-1'],
])('%s has the price of %s', (model, name) => {
  expect(priceName(model)).toBe(name)
})

it('is found for every name that OpenRouter answers with', () => {
  for (const model of [
    'anthropic/claude-4.5-haiku-20251001',
    'anthropic/claude-4.1-opus-20250805',
    'anthropic/claude-4-opus-20250522',
    'anthropic/claude-4.6-sonnet-20260217',
    'anthropic/claude-5.5-opus-20260922',
    'anthropic/claude-3.5-haiku',
  ])
    expect(findPrice(publishedPrices, 'anthropic', model, Date.UTC(2026, 10, 27)), model).toBeDefined()
})

it.each([
  ['us.anthropic.claude-opus-5', true],
  ['eu.anthropic.claude-sonnet-4-5-20250929-v1:0', true],
  ['us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0', true],
  ['anthropic.claude-opus-4-6-v1', true],
  ['bedrock/eu-west-2/anthropic.claude-opus-4-8', true],
  ['arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5', true],
  ['arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-opus-5', false],
  ['global.anthropic.claude-opus-5', false],
  ['anthropic/claude-opus-5', false],
  ['claude-opus-5', false],
])('%s stays in a region: %s', (model, expected) => expect(isRegional(model)).toBe(expected))
