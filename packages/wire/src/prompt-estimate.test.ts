import type { JsonObject } from '@spillway/middleware'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { estimatePromptTokens, mostPromptTokens } from './prompt-estimate.ts'

const densest = fc.oneof(
  { arbitrary: fc.jsonValue({ maxDepth: 6 }), weight: 3 },
  {
    arbitrary: fc.array(fc.constantFrom<unknown>(1, [], {}, '', { type: 'image' }, [1]), { maxLength: 200 }),
    weight: 1,
  },
)

it('is never above what the bytes of the body allow for', () => {
  fc.assert(
    fc.property(densest, densest, (messages, tools) => {
      const body = { messages, tools } as JsonObject
      const bytes = new TextEncoder().encode(JSON.stringify(body))
      expect(estimatePromptTokens(body)).toBeLessThanOrEqual(mostPromptTokens(bytes))
    }),
    { numRuns: 500 },
  )
})
