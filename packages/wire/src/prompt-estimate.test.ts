import type { JsonObject } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { estimatePromptTokens, isSurelyWithin } from './prompt-estimate.ts'

const densest = fc.oneof(
  { arbitrary: fc.jsonValue({ maxDepth: 6 }), weight: 3 },
  {
    arbitrary: fc.array(fc.constantFrom<unknown>(1, [], {}, '', { type: 'image' }, [1]), { maxLength: 200 }),
    weight: 1,
  },
)

it('is never above what was said to be certain from the bytes alone', () => {
  fc.assert(
    fc.property(densest, densest, (messages, tools) => {
      const body = { messages, tools } as JsonObject
      const bytes = new TextEncoder().encode(JSON.stringify(body))
      const tokens = estimatePromptTokens(body)
      expect(isSurelyWithin(bytes, tokens - 1)).toBe(false)
      expect(isSurelyWithin(bytes, bytes.length * 100)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

it('is known from the bytes alone for a long text without images', () => {
  const bytes = new TextEncoder().encode(JSON.stringify({ messages: [{ content: 'word '.repeat(20_000) }] }))
  expect(isSurelyWithin(bytes, 872_000)).toBe(true)
  expect(isSurelyWithin(bytes, 136_000)).toBe(false)
  const shown = new TextEncoder().encode(
    JSON.stringify({ messages: [{ type: 'image' }, 'word '.repeat(20_000)] }),
  )
  expect(isSurelyWithin(shown, 872_000)).toBe(false)
})
