import { describe, expect, it } from 'vitest'
import { laterUsage, openaiUsage, responsesUsage, usageOfCompletion } from './openai-usage.ts'

describe('the cache in a usage of chat completions', () => {
  // Each as its vendor documents it.
  it.each<[string, object]>([
    ['OpenAI, xAI, Ollama', { prompt_tokens_details: { cached_tokens: 80 } }],
    ['DeepSeek', { prompt_cache_hit_tokens: 80, prompt_cache_miss_tokens: 20 }],
    ['Moonshot, Together', { cached_tokens: 80 }],
    ['Mistral', { num_cached_tokens: 80, prompt_token_details: { cached_tokens: 80 } }],
    ['Mistral, in the singular alone', { prompt_token_details: { cached_tokens: 80 } }],
    ['Databricks and proxies of Claude', { cache_read_input_tokens: 80, cache_creation_input_tokens: 0 }],
    ['one that says it twice', { cached_tokens: 80, prompt_tokens_details: { cached_tokens: 80 } }],
    [
      'one that says it in one of two places',
      { cached_tokens: 80, prompt_tokens_details: { cached_tokens: 0 } },
    ],
  ])('is read as %s tells it', (_name, cache) => {
    expect(
      openaiUsage({ prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, ...cache }),
    ).toMatchObject({
      inputTokens: 20,
      cacheReadTokens: 80,
      cacheWriteTokens: 0,
    })
  })

  it.each<[string, object, number]>([
    ['OpenAI, OpenRouter', { prompt_tokens_details: { cache_write_tokens: 30 } }, 0],
    ['Qwen', { prompt_tokens_details: { cache_creation_input_tokens: 30, cache_type: 'ephemeral' } }, 0],
    [
      'LiteLLM',
      {
        prompt_tokens_details: {
          cache_creation_tokens: 30,
          cache_creation_token_details: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
        },
      },
      20,
    ],
    [
      'one that has it as Claude does',
      { cache_creation_input_tokens: 30, cache_creation: { ephemeral_1h_input_tokens: 20 } },
      20,
    ],
  ])('is written as %s tells it', (_name, cache, cacheWrite1hTokens) => {
    expect(openaiUsage({ prompt_tokens: 100, completion_tokens: 5, ...cache })).toMatchObject({
      ...{ inputTokens: 70, cacheReadTokens: 0, cacheWriteTokens: 30, cacheWrite1hTokens },
    })
  })

  it.each<[string, object]>([
    ['is larger than the prompt', { cache_read_input_tokens: 9_000 }],
    [
      'adds up to the total beside the prompt',
      { total_tokens: 9_105, prompt_tokens_details: { cached_tokens: 8_000, cache_write_tokens: 1_000 } },
    ],
  ])('is beside the prompt where it %s', (_name, more) => {
    const usage = openaiUsage({ prompt_tokens: 100, completion_tokens: 5, ...more })
    expect(usage).toMatchObject({ inputTokens: 100, outputTokens: 5, estimated: false })
    expect((usage?.cacheReadTokens ?? 0) + (usage?.cacheWriteTokens ?? 0)).toBe(9_000)
  })
})

describe('thinking in a usage of chat completions', () => {
  const details = { completion_tokens_details: { reasoning_tokens: 317 } }

  it.each<[string, object, number, boolean]>([
    ['is part of the completion as OpenAI counts', { total_tokens: 412, ...details }, 400, false],
    ['is beside it as xAI counts', { total_tokens: 729, ...details }, 717, false],
    ['is not made of a total that nothing explains', { total_tokens: 729 }, 400, true],
    ['is part of it where there is no total', details, 400, false],
    ['is part of it where the total is less than the parts', { total_tokens: 1 }, 400, false],
  ])('%s', (_name, more, outputTokens, estimated) => {
    const usage = { prompt_tokens: 12, completion_tokens: 400, ...more }
    expect(openaiUsage(usage)).toMatchObject({ inputTokens: 12, outputTokens, estimated })
  })

  it('is the rest of the total of Gemini, which has no field for it', () => {
    const usage = { prompt_tokens: 12, completion_tokens: 400, total_tokens: 729 }
    const said = { outputTokens: 717, estimated: false }
    expect(openaiUsage(usage, 'gemini-3.5-flash')).toMatchObject(said)
    expect(usageOfCompletion({ model: 'models/gemini-3-pro', choices: [], usage })).toMatchObject(said)
  })

  it('is beside a completion that is smaller', () => {
    const usage = { prompt_tokens: 12, completion_tokens: 2, ...details }
    expect(openaiUsage(usage)).toMatchObject({ outputTokens: 319, reasoningTokens: 317 })
  })

  it('is told apart from a cache beside the prompt', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 332, cached_tokens: 8 }
    expect(openaiUsage({ ...usage, ...details })).toMatchObject({ inputTokens: 2, outputTokens: 322 })
  })
})

it.each<[string, object, number]>([
  ['xAI, in ten-thousand-millionths', { cost_in_usd_ticks: 232_856_000 }, 0.0232856],
  [
    'Perplexity, search included',
    { cost: { input_tokens_cost: 0.00001, request_cost: 0.005, total_cost: 0.00515 } },
    0.00515,
  ],
  ['DeepInfra', { estimated_cost: 0.0000268 }, 0.0000268],
  ['a number before all others', { cost: 0.5, cost_in_usd_ticks: 1, estimated_cost: 9 }, 0.5],
])('a cost is read as %s tells it', (_name, more, cost) => {
  expect(openaiUsage({ prompt_tokens: 9, completion_tokens: 1, ...more })?.cost).toBe(cost)
})

it.each([
  { cost: {} },
  { cost: { total_cost: -1 } },
  { cost_in_usd_ticks: 1e20 },
  { cost_in_usd_ticks: '5' },
])('no cost is read from %j', (more) =>
  expect(openaiUsage({ prompt_tokens: 9, ...more })?.cost).toBeUndefined(),
)

describe('the usage of a completion', () => {
  const usage = { prompt_tokens: 1_336, completion_tokens: 31, cached_tokens: 1_280 }

  it('is in the last choice of Moonshot’s streams', () => {
    const choices = [{ index: 0, delta: {}, finish_reason: 'stop', usage }]
    expect(usageOfCompletion({ choices, usage: null })).toMatchObject({ inputTokens: 56, outputTokens: 31 })
    expect(usageOfCompletion({ choices: [{ index: 0, delta: {} }] })).toBeUndefined()
  })

  it.each([
    [{ service_tier: 'default' }, undefined],
    [{ service_tier: 'on_demand' }, undefined],
    [{ service_tier: 'auto' }, undefined],
    [{ service_tier: null }, undefined],
    [{ service_tier: 'flex' }, 'flex'],
    [{ service_tier: 'priority' }, 'priority'],
    [{ service_tier: 'default', usage: { ...usage, service_tier: 'priority' } }, 'priority'],
  ])('has the tier in which it was served where that has another price: %j', (more, tier) => {
    expect(usageOfCompletion({ choices: [], usage, ...more })?.tier).toBe(tier)
  })
})

it('a later usage of a stream replaces an earlier one, but for zeros', () => {
  const told = openaiUsage({ prompt_tokens: 100, completion_tokens: 7, cost: 0.1 })
  const more = openaiUsage({ prompt_tokens: 100, completion_tokens: 9 })
  const zeros = openaiUsage({ prompt_tokens: 0, completion_tokens: 0 })
  expect(laterUsage(undefined, zeros)).toBe(zeros)
  expect(laterUsage(told, undefined)).toBe(told)
  expect(laterUsage(told, more)).toMatchObject({ inputTokens: 100, outputTokens: 9, cost: 0.1 })
  expect(laterUsage(told, zeros)).toMatchObject({ inputTokens: 100, outputTokens: 7, cost: 0.1 })
  const ended = openaiUsage({ prompt_tokens: 0, completion_tokens: 12 })
  expect(laterUsage(told, ended)).toMatchObject({ inputTokens: 100, outputTokens: 12 })
})

it('a usage of OpenAI Responses is read alike, and its tier from around it', () => {
  const usage = {
    ...{ input_tokens: 100, output_tokens: 400, total_tokens: 817 },
    input_tokens_details: { cached_tokens: 80, cache_write_tokens: 5 },
    output_tokens_details: { reasoning_tokens: 317 },
  }
  expect(responsesUsage(usage, { service_tier: 'flex' })).toMatchObject({
    ...{ inputTokens: 15, cacheReadTokens: 80, cacheWriteTokens: 5, outputTokens: 717, tier: 'flex' },
  })
  expect(responsesUsage(usage, { service_tier: 'default' })?.tier).toBeUndefined()
})
