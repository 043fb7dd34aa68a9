import type { Usage } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { anthropicUsage } from './anthropic-usage.ts'

const tokens = (input_tokens: number, output_tokens: number, more: object = {}): object => ({
  ...{ input_tokens, output_tokens, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
  ...more,
})

const compacted = {
  ...tokens(23_000, 1_000),
  iterations: [
    { type: 'compaction', ...tokens(180_000, 3_500) },
    { type: 'message', ...tokens(23_000, 1_000) },
  ],
}

describe('usage of an answer that took several samplings', () => {
  it('is that of all of them after a compaction, which the counts leave out', () => {
    const usage = anthropicUsage(compacted)
    expect(usage).toMatchObject({ inputTokens: 203_000, outputTokens: 4_500 })
    expect(usage?.iterations).toMatchObject([
      { model: undefined, inputTokens: 180_000, outputTokens: 3_500, isBilled: true },
      { model: undefined, inputTokens: 23_000, outputTokens: 1_000, isBilled: true },
    ])
  })

  it('is that of all of them where an advisor of another model was asked', () => {
    const usage = anthropicUsage({
      ...tokens(3_000, 500),
      iterations: [
        { type: 'message', model: null, ...tokens(1_000, 100) },
        { type: 'advisor_message', model: 'claude-opus-5-5', ...tokens(1_100, 700) },
        { type: 'message', model: null, ...tokens(2_000, 400) },
      ],
    })
    expect(usage).toMatchObject({ inputTokens: 4_100, outputTokens: 1_200 })
    expect(usage?.iterations?.map(({ model }) => model)).toEqual([undefined, 'claude-opus-5-5', undefined])
  })

  const fallback = (declinedOutput: number): Usage | undefined =>
    anthropicUsage({
      ...tokens(412, 264),
      iterations: [
        { type: 'message', model: 'claude-fable-5-1', ...tokens(535, declinedOutput) },
        { type: 'fallback_message', model: 'claude-opus-5-5', ...tokens(412, 264) },
      ],
    })

  it('is not billed for a model that declined before it wrote anything', () => {
    expect(fallback(0)?.iterations?.map(({ isBilled }) => isBilled)).toEqual([false, true])
    expect(fallback(0)).toMatchObject({ inputTokens: 947, outputTokens: 264 })
  })

  it('is billed for one that declined in the middle', () => {
    expect(fallback(9)?.iterations?.map(({ isBilled }) => isBilled)).toEqual([true, true])
  })

  it('is known from the last event of a stream, which has the list', () => {
    const begun = anthropicUsage({ ...tokens(23_000, 1), iterations: null })
    expect(anthropicUsage(compacted, begun)).toMatchObject({ inputTokens: 203_000, outputTokens: 4_500 })
    // More words about the same answer do not count it again, nor forget it.
    const again = anthropicUsage(compacted, anthropicUsage(compacted, begun))
    expect(again).toMatchObject({ inputTokens: 203_000, outputTokens: 4_500 })
    expect(anthropicUsage({ output_tokens: 1_000 }, again)).toMatchObject({
      inputTokens: 203_000,
      outputTokens: 4_500,
    })
  })

  it('shares the lifetimes of the cache that only the counts tell', () => {
    const usage = anthropicUsage({
      ...tokens(10, 5, {
        cache_creation_input_tokens: 300,
        cache_creation: { ephemeral_1h_input_tokens: 250 },
      }),
      iterations: [
        { type: 'message', ...tokens(4, 2, { cache_creation_input_tokens: 200 }) },
        { type: 'message', ...tokens(6, 3, { cache_creation_input_tokens: 100, cache_creation: null }) },
      ],
    })
    expect(usage).toMatchObject({ cacheWriteTokens: 300, cacheWrite1hTokens: 250 })
    expect(usage?.iterations?.map(({ cacheWrite1hTokens }) => cacheWrite1hTokens)).toEqual([200, 50])
  })

  it.each<[string, unknown]>([
    ['is empty', []],
    ['is none', 'x'],
    [
      'has one answer, of which the counts say all',
      [{ type: 'message', model: 'm', ...tokens(23_000, 1_000) }],
    ],
    ['holds what is none', [{ type: 'message', ...tokens(23_000, 1_000) }, null]],
    ['says less than the counts', [{ type: 'message' }, { type: 'message', ...tokens(23_000, 999) }]],
    [
      'adds up to more than any call has',
      Array.from({ length: 3 }, () => ({ type: 'message', ...tokens(9e8, 1_000) })),
    ],
    ['is longer than any call makes it', Array.from({ length: 1_001 }, () => ({ ...tokens(23_000, 1_000) }))],
  ])('is that of the counts where the list %s', (_name, iterations) => {
    const usage = anthropicUsage({ ...tokens(23_000, 1_000), iterations })
    expect(usage).toMatchObject({ inputTokens: 23_000, outputTokens: 1_000, iterations: undefined })
  })
})

describe('what decides on the price besides tokens', () => {
  it('is read: searches, the speed that was delivered, the place, the tier', () => {
    const raw = { ...tokens(1, 1), speed: 'fast', inference_geo: 'us', service_tier: 'batch' }
    expect(anthropicUsage({ ...raw, server_tool_use: { web_search_requests: 2 } })).toMatchObject({
      ...{ webSearches: 2, speed: 'fast', geo: 'us', tier: 'batch' },
    })
  })

  it('is kept when later events of a stream leave it out, or say 0', () => {
    const begun = anthropicUsage({ ...tokens(1, 1), speed: 'standard', inference_geo: 'us' })
    const searched = anthropicUsage({ server_tool_use: { web_search_requests: 3 } }, begun)
    const ended = anthropicUsage({ output_tokens: 9, server_tool_use: { web_search_requests: 0 } }, searched)
    expect(ended).toMatchObject({ webSearches: 3, speed: 'standard', geo: 'us', outputTokens: 9 })
  })

  it.each([12, '', 'x'.repeat(65), 'a\u0000b'])('is not taken from %j', (nonsense) => {
    const usage = anthropicUsage({ ...tokens(1, 1), speed: nonsense, inference_geo: nonsense })
    expect(usage).toMatchObject({ speed: undefined, geo: undefined })
  })
})
