import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { openaiUsage } from './openai-usage.ts'
import { completedUsage } from './usage-estimate.ts'

const prompt = jsonBodyFromObject({
  model: 'gpt-5',
  messages: [{ role: 'user', content: 'word '.repeat(4_800) }],
})
const usage = openaiUsage({ prompt_tokens: 10, completion_tokens: 4 })

describe('the usage of an answer', () => {
  it('is what its vendor told where that is all of it', () => {
    expect(completedUsage({ usage, isFinal: true, outputTokens: 99 }, prompt)).toBe(usage)
  })

  it('is not below what was seen where the last word is missing, and an estimate', () => {
    const seen = completedUsage({ usage, isFinal: false, outputTokens: 99 }, prompt)
    expect(seen).toMatchObject({ inputTokens: 10, outputTokens: 99, estimated: true })
    expect(seen.isPromptEstimated).toBeUndefined()
    expect(completedUsage({ usage, isFinal: false, outputTokens: 1 }, prompt).outputTokens).toBe(4)
  })

  it.each([
    ['nothing was told', undefined],
    ['only zeros were told', openaiUsage({ prompt_tokens: 0, completion_tokens: 0 })],
    ['only nulls were told', openaiUsage({ prompt_tokens: null })],
  ])('is estimated, the prompt too, where %s', (_name, told) => {
    const seen = completedUsage({ usage: told, isFinal: told !== undefined, outputTokens: 50 }, prompt)
    expect(seen).toMatchObject({ outputTokens: 50, estimated: true, isPromptEstimated: true })
    // 24 kB of words are some 4,800 tokens.
    expect(seen.inputTokens).toBeGreaterThan(4_000)
    expect(seen.inputTokens).toBeLessThan(8_000)
  })

  it('keeps the output that was told where only the prompt was not', () => {
    const told = openaiUsage({ prompt_tokens: 0, completion_tokens: 7 })
    expect(completedUsage({ usage: told, isFinal: true, outputTokens: 50 }, prompt)).toMatchObject({
      outputTokens: 7,
      estimated: true,
      isPromptEstimated: true,
    })
  })

  it('is estimated for large prompts without parsing them, and for what is none', () => {
    const large = jsonBodyFromObject({ messages: [{ role: 'user', content: 'x'.repeat(350_000) }] })
    const told = { usage: undefined, isFinal: false, outputTokens: 0 }
    expect(completedUsage(told, large).inputTokens).toBeGreaterThan(90_000)
    expect(completedUsage(told, jsonBodyFromObject({})).inputTokens).toBe(1)
  })
})
