import { describe, expect, it } from 'vitest'
import { anthropicUsage } from './anthropic-usage.ts'
import { openaiUsage, usageOfCompletion } from './openai-usage.ts'
import { tokensFromBytes } from './usage.ts'

describe('usage of Anthropic', () => {
  it('has an input without the cache', () => {
    const raw = {
      input_tokens: 12,
      cache_creation_input_tokens: 30,
      cache_read_input_tokens: 100,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 40 },
      service_tier: 'standard',
    }
    expect(anthropicUsage(raw)).toEqual({
      inputTokens: 12,
      outputTokens: 50,
      cacheReadTokens: 100,
      cacheWriteTokens: 30,
      cacheWrite1hTokens: 20,
      reasoningTokens: 40,
      cost: undefined,
      estimated: false,
    })
  })

  it('takes null, missing and nonsensical counts for zero', () => {
    const raw = { input_tokens: null, output_tokens: -3, cache_read_input_tokens: 'x', cache_creation: null }
    expect(anthropicUsage(raw)).toMatchObject({ inputTokens: 0, outputTokens: 0, cacheReadTokens: 0 })
  })

  it('replaces what came earlier field by field', () => {
    const earlier = anthropicUsage({ input_tokens: 12, output_tokens: 1, cache_read_input_tokens: 100 })
    expect(anthropicUsage({ output_tokens: 9, input_tokens: null }, earlier)).toMatchObject({
      inputTokens: 12,
      outputTokens: 9,
      cacheReadTokens: 100,
    })
  })

  describe('does not lose the prompt of the beginning to zeros at the end', () => {
    const begun = { input_tokens: 1_000, cache_read_input_tokens: 50_000, cache_creation_input_tokens: 200 }
    const oneHour = { ...begun, cache_creation: { ephemeral_1h_input_tokens: 200 } }
    const inputTokens = 1_000
    const cacheReadTokens = 50_000
    const cacheWriteTokens = 200

    it.each<[object, object]>([
      [{ input_tokens: 0 }, { inputTokens, cacheReadTokens, cacheWriteTokens }],
      [
        { input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
        { inputTokens, cacheReadTokens, cacheWriteTokens },
      ],
      [
        { input_tokens: 0, cache_creation: { ephemeral_1h_input_tokens: 0 } },
        { inputTokens, cacheWrite1hTokens: 200 },
      ],
      [
        { input_tokens: 0, cache_read_input_tokens: 50_000 },
        { inputTokens, cacheReadTokens, cacheWriteTokens },
      ],
      [
        { input_tokens: 1_200, cache_read_input_tokens: 0 },
        { inputTokens: 1_200, cacheReadTokens, cacheWriteTokens },
      ],
    ])('%j', (end, expected) => {
      const usage = anthropicUsage({ ...end, output_tokens: 100 }, anthropicUsage(oneHour))
      expect(usage).toMatchObject({ ...expected, outputTokens: 100 })
    })

    it('but takes a count of the whole prompt for what it is', () => {
      const end = { input_tokens: 51_200, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 }
      expect(anthropicUsage(end, anthropicUsage(begun))).toMatchObject({
        inputTokens: 51_200,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
      })
    })
  })

  it.each([
    ['by less than its beginning had', 8_900, 0, 8_831],
    ['by as much', 8_834, 18, 8_831],
  ])(
    'takes the cache from the end of a stream that tells it there alone, %s',
    (_name, begun, input, read) => {
      const end = { input_tokens: input, cache_read_input_tokens: read, cache_creation_input_tokens: 0 }
      const usage = anthropicUsage({ ...end, output_tokens: 9 }, anthropicUsage({ input_tokens: begun }))
      expect(usage).toMatchObject({ inputTokens: input, cacheReadTokens: read, cacheWriteTokens: 0 })
    },
  )

  it.each([[{}], [{ cache_creation_input_tokens: 0 }], [{ cache_creation_input_tokens: 250 }]])(
    'has all that was written to the cache where its lifetimes tell more than %j',
    (more) => {
      const cache_creation = { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 200 }
      const written = { cacheWriteTokens: 250, cacheWrite1hTokens: 200 }
      expect(anthropicUsage({ input_tokens: 9, ...more, cache_creation })).toMatchObject(written)
      const begun = anthropicUsage({ input_tokens: 9, ...more, cache_creation })
      expect(anthropicUsage({ output_tokens: 5 }, begun)).toMatchObject(written)
    },
  )

  it.each([undefined, null, 7, 'x'])('keeps what came earlier where it is %s', (raw) => {
    const earlier = anthropicUsage({ input_tokens: 12 })
    expect(anthropicUsage(raw, earlier)).toBe(earlier)
    expect(anthropicUsage(raw)).toBeUndefined()
  })

  it('keeps the cost that OpenRouter adds', () => {
    expect(anthropicUsage({ output_tokens: 1, cost: 0.002 })?.cost).toBe(0.002)
  })
})

describe('usage of OpenAI and OpenRouter', () => {
  it('has an input with the cache, which is taken out', () => {
    const raw = {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      completion_tokens_details: { reasoning_tokens: 20 },
      cost: 0.01,
    }
    expect(openaiUsage(raw)).toEqual({
      inputTokens: 10,
      outputTokens: 50,
      cacheReadTokens: 60,
      cacheWriteTokens: 30,
      cacheWrite1hTokens: 0,
      reasoningTokens: 20,
      cost: 0.01,
      estimated: false,
    })
  })

  it.each([
    ['the fee and what was paid to the vendor of the model', { cost: 0.001 }, 0.0370795],
    ['what was paid where there is no fee', { cost: 0 }, 0.0360795],
    ['unknown where nobody says what was paid', { cost: 0, cost_details: null }, undefined],
    ['the cost alone with the key of OpenRouter', { cost: 0.0360795, is_byok: false }, 0.0360795],
  ])('cost, with a key of the customer’s own, %s', (_name, more, cost) => {
    const paid = { is_byok: true, cost_details: { upstream_inference_cost: 0.0360795 } }
    expect(openaiUsage({ prompt_tokens: 9171, completion_tokens: 113, ...paid, ...more })?.cost).toBe(cost)
    expect(anthropicUsage({ input_tokens: 9171, output_tokens: 113, ...paid, ...more })?.cost).toBe(cost)
  })

  it('is Groq’s, in a field of its own', () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3 }
    expect(usageOfCompletion({ choices: [], x_groq: { id: 'req_1', usage } })).toMatchObject({
      inputTokens: 7,
      outputTokens: 3,
    })
    expect(usageOfCompletion({ usage: null, x_groq: { id: 'req_1' } })).toBeUndefined()
  })

  it('has no negative input: a cache that is larger than the prompt is beside it', () => {
    expect(openaiUsage({ prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 5 } })).toMatchObject({
      inputTokens: 1,
      cacheReadTokens: 5,
    })
  })

  it('takes null, missing and nonsensical counts for zero', () => {
    expect(
      openaiUsage({ prompt_tokens: null, completion_tokens: 'x', prompt_tokens_details: null }),
    ).toMatchObject({
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
    })
  })

  it.each([undefined, null, 7])('is unknown where it is %s', (raw) => {
    expect(openaiUsage(raw)).toBeUndefined()
  })
})

describe('a number that is no count of tokens', () => {
  // JSON has 1e999, which is read as Infinity.
  const nonsense = [-1, 1.5, 1e10, 2 ** 53, 1e308, Infinity, Number.NaN, '5', [5], { valueOf: 5 }]

  it.each(nonsense)('is none in the usage of Anthropic: %j', (value) => {
    const raw = {
      input_tokens: value,
      output_tokens: value,
      cache_creation: { ephemeral_1h_input_tokens: value },
      output_tokens_details: { thinking_tokens: value },
    }
    const zero = { inputTokens: 0, outputTokens: 0, cacheWrite1hTokens: 0, reasoningTokens: 0 }
    expect(anthropicUsage(raw)).toMatchObject(zero)
    const earlier = {
      input_tokens: 3,
      output_tokens: 4,
      cache_creation: { ephemeral_1h_input_tokens: 5 },
      output_tokens_details: { thinking_tokens: 6 },
    }
    expect(anthropicUsage(raw, anthropicUsage(earlier))).toEqual(anthropicUsage(earlier))
  })

  it.each(nonsense)('is none in the usage of OpenAI: %j', (value) => {
    expect(openaiUsage({ prompt_tokens: value, completion_tokens: value })).toMatchObject({
      inputTokens: 0,
      outputTokens: 0,
    })
  })

  it.each([-0.01, 1e7, Infinity, Number.NaN, '1'])('and a cost of %j is none', (cost) => {
    expect(anthropicUsage({ output_tokens: 1, cost })?.cost).toBeUndefined()
    expect(openaiUsage({ completion_tokens: 1, cost })?.cost).toBeUndefined()
  })
})

it('is rounded up where it is guessed by bytes', () => {
  expect([0, 1, 7].map(tokensFromBytes)).toEqual([0, 1, 2])
})
