import type { JsonObject } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { type ModelCapabilities, modelCapabilities } from './capabilities.ts'
import { claudeRows } from './claude-rows.ts'
import { type FitCall, fitRequest } from './fit-request.ts'

const hi = { role: 'user', content: 'Hi' }
const base = { model: 'm', max_tokens: 100, messages: [hi] }

function fitted(
  fields: JsonObject,
  model: string,
  overrides: Partial<ModelCapabilities> = {},
  call: Partial<FitCall> = {},
): unknown {
  const body = { ...base, ...fields }
  return fitRequest({ api: 'anthropic', body, ...call }, modelCapabilities(model, overrides))
}

const reduced = (fields: JsonObject, ...degraded: string[]): unknown =>
  expect.objectContaining({ kind: 'fits', body: { ...base, ...fields }, degraded })

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }
const answer = { role: 'assistant', content: 'ok' }

describe('the table', () => {
  it.each([
    ['claude-opus-5-5', 1_000_000],
    ['anthropic/claude-sonnet-5.5', 1_000_000],
    ['claude-haiku-4-5-20251001', 200_000],
    ['claude-fable-5-2', undefined],
    ['claude-opus-4-8', undefined],
    ['llama3.2', undefined],
  ])('knows the context of %s', (model, tokens) => {
    expect(modelCapabilities(model).contextTokens).toBe(tokens)
  })

  it('says of each row where it was read, and when', () => {
    for (const { source, read } of claudeRows) {
      expect(source).not.toBe('')
      expect(read).toMatch(/^2026-\d\d-\d\d$/)
    }
  })

  it.each<[string, Partial<ModelCapabilities>]>([
    ['claude-opus-5-5', { thinking: ['adaptive'], forcedToolChoice: false, midSystem: true, effort: true }],
    ['claude-sonnet-5', { midSystem: false, forcedToolChoice: true, contextTokens: 1_000_000 }],
    ['claude-sonnet-5-5', { midSystem: true, contextTokens: 1_000_000, maxOutputTokens: 128_000 }],
    ['claude-fable-5-1', { thinking: ['adaptive'], contextTokens: 1_000_000 }],
    ['claude-fable-5-2', { thinking: undefined, forcedToolChoice: true }],
    ['claude-opus-4-5-20251101', { thinking: ['enabled', 'disabled'], effort: true, midSystem: false }],
    ['claude-opus-4-20250514', { thinking: ['enabled', 'disabled'], effort: false }],
    ['claude-sonnet-4-6', { thinking: undefined, effort: true }],
    ['claude-haiku-4-5-20251001', { effort: false, maxOutputTokens: 64_000 }],
    ['qwen3', { midSystem: false, effort: true }],
  ])('knows %s', (model, expected) => {
    expect(modelCapabilities(model)).toMatchObject(expected)
  })

  it('takes everything of models that it does not know, and less where you know better', () => {
    expect(modelCapabilities('llama3.2')).toMatchObject({ images: true, tools: true, prefill: true })
    expect(modelCapabilities('llama3.2', { images: false })).toMatchObject({ images: false })
  })
})

describe('a request that fits', () => {
  it.each([
    ['claude-opus-5-5', { thinking: { type: 'adaptive' }, temperature: 1, tool_choice: { type: 'auto' } }],
    ['claude-sonnet-4-5', { temperature: 0.2, messages: [hi, answer] }],
    ['llama3.2', { temperature: 0.2, messages: [hi, { role: 'user', content: [image] }] }],
  ])('stays the very same object at %s', (model, fields) => {
    const body = { ...base, ...fields }
    const result = fitRequest({ api: 'anthropic', body }, modelCapabilities(model))
    expect(result.kind === 'fits' && result.body).toBe(body)
  })
})

describe('a request that fits when it is reduced', () => {
  it.each<[string, JsonObject, JsonObject, string]>([
    [
      'claude-sonnet-5-5',
      { tool_choice: { type: 'tool', name: 'a' } },
      { tool_choice: { type: 'auto' } },
      'tool_choice',
    ],
    [
      'claude-opus-5-5',
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      { thinking: { type: 'adaptive' } },
      'thinking',
    ],
    ['claude-opus-5-5', { thinking: { type: 'disabled' } }, {}, 'thinking'],
    [
      'claude-sonnet-5-5',
      { thinking: { type: 'disabled' } },
      { thinking: { type: 'between_tools' } },
      'thinking',
    ],
    ['claude-sonnet-4-5', { thinking: { type: 'adaptive' } }, {}, 'thinking'],
    ['claude-opus-5-5', { temperature: 0.2 }, {}, 'temperature'],
    ['claude-opus-5-5', { top_k: 5 }, {}, 'top_k'],
    ['claude-haiku-4-5', { max_tokens: 100_000 }, { max_tokens: 64_000 }, 'max_tokens'],
    ['claude-opus-5-5', { tool_choice: { type: 'any' } }, { tool_choice: { type: 'auto' } }, 'tool_choice'],
    [
      'claude-fable-5-1',
      { tool_choice: { type: 'tool', name: 'a' } },
      { tool_choice: { type: 'auto' } },
      'tool_choice',
    ],
    ['claude-fable-5-1', { thinking: { type: 'disabled' } }, {}, 'thinking'],
    [
      'claude-fable-5-1',
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      { thinking: { type: 'adaptive' } },
      'thinking',
    ],
    ['claude-haiku-4-5', { output_config: { effort: 'high' } }, {}, 'effort'],
    [
      'claude-opus-4-6',
      { thinking: { type: 'adaptive' }, tool_choice: { type: 'any' } },
      { tool_choice: { type: 'any' } },
      'thinking',
    ],
    [
      'claude-opus-4-6',
      { output_config: { effort: 'high' }, tool_choice: { type: 'any' } },
      { tool_choice: { type: 'any' } },
      'effort',
    ],
    [
      'claude-opus-4-6',
      { thinking: { type: 'adaptive' }, temperature: 0.2 },
      { thinking: { type: 'adaptive' } },
      'temperature',
    ],
  ])('at %s: %o', (model, fields, expected, loss) => {
    expect(fitted(fields, model)).toEqual(reduced(expected, loss))
  })

  it.each<[number, number, JsonObject | undefined]>([
    [100_000, 80_000, { type: 'enabled', budget_tokens: 51_200 }],
    [64_001, 64_000, { type: 'enabled', budget_tokens: 63_999 }],
    [100_000, 10_000, { type: 'enabled', budget_tokens: 10_000 }],
  ])(
    'has a budget of thinking below its limit: %i tokens, %i of them',
    (max_tokens, budget_tokens, expected) => {
      const fields = { max_tokens, thinking: { type: 'enabled', budget_tokens } }
      expect(fitted(fields, 'claude-haiku-4-5')).toMatchObject({
        body: { max_tokens: 64_000, thinking: expected },
        degraded: budget_tokens === 10_000 ? ['max_tokens'] : ['max_tokens', 'thinking'],
      })
    },
  )

  it('has no budget where its limit leaves none', () => {
    const fields = { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 3000 } }
    expect(fitted(fields, 'claude-haiku-4-5', { maxOutputTokens: 1000 })).toEqual(
      reduced({ max_tokens: 1000 }, 'max_tokens', 'thinking'),
    )
  })

  it.each([{ function: { name: 'a' } }, { type: 'allowed_tools', allowed_tools: {} }, { type: 'custom' }])(
    'has no forced tool in whatever words: %o',
    (tool_choice) => {
      expect(fitted({ tool_choice }, 'claude-opus-5-5', {}, { api: 'openai' })).toEqual(
        reduced({ tool_choice: 'auto' }, 'tool_choice'),
      )
    },
  )

  it('asks no model of OpenAI how hard to think that does not', () => {
    const body = { model: 'claude-sonnet-5', messages: [], reasoning_effort: 'high' }
    const fitted = fitRequest({ api: 'openai', body }, modelCapabilities('gpt-4.1'))
    expect(fitted).toEqual({
      kind: 'fits',
      body: { model: 'claude-sonnet-5', messages: [] },
      degraded: ['effort'],
    })
    expect(fitRequest({ api: 'openai', body }, modelCapabilities('gpt-5.5'))).toMatchObject({
      body,
      degraded: [],
    })
  })

  it('has no `between_tools` at the highest efforts', () => {
    const output_config = { effort: 'max' }
    expect(fitted({ thinking: { type: 'disabled' }, output_config }, 'claude-sonnet-5-5')).toEqual(
      reduced({ output_config }, 'thinking'),
    )
  })

  it('has no sampling at all on the newer version, where even the default is refused', () => {
    const call = { apiVersion: '2026-10-21' }
    expect(fitted({ temperature: 1 }, 'claude-sonnet-4-5', {}, call)).toEqual(reduced({}))
    expect(fitted({ temperature: 0 }, 'claude-sonnet-4-5', {}, call)).toEqual(reduced({}, 'temperature'))
  })

  it('asks to go on where a beginning is not gone on from', () => {
    expect(fitted({ messages: [hi, answer] }, 'claude-opus-5-5')).toMatchObject({
      body: { messages: [hi, answer, { role: 'user', content: expect.stringContaining('Go on') }] },
      degraded: ['prefill'],
    })
  })

  it('has notes in place of images of earlier turns', () => {
    const before = { role: 'user', content: [image, { type: 'text', text: 'What?' }] }
    expect(fitted({ messages: [before, answer, hi] }, 'llama3.2', { images: false })).toMatchObject({
      body: { messages: [{ content: [{ text: '[an image was here]' }, { text: 'What?' }] }, answer, hi] },
      degraded: ['images'],
    })
  })

  it('has less room for the answer where the prompt takes it', () => {
    expect(fitted({ max_tokens: 4000 }, 'llama3.2', { contextTokens: 1000 })).toMatchObject({
      body: { max_tokens: expect.toSatisfy((tokens: number) => tokens > 900 && tokens < 1000) },
      degraded: ['max_tokens'],
    })
  })

  it('speaks chat completions as well', () => {
    const call = { api: 'openai' } as const
    const fields = { tool_choice: 'required', temperature: 0.2 }
    expect(fitted(fields, 'claude-sonnet-5-5', {}, call)).toEqual(
      reduced({ tool_choice: 'auto' }, 'temperature', 'tool_choice'),
    )
  })
})

describe('a request that does not fit', () => {
  it.each<[string, JsonObject, Partial<ModelCapabilities>]>([
    [
      'prompt is too long',
      { messages: [{ role: 'user', content: 'x'.repeat(9000) }] },
      { contextTokens: 1000 },
    ],
    ['the model cannot use tools', { tools: [{ name: 'a' }] }, { tools: false }],
    ['the model cannot read images', { messages: [{ role: 'user', content: [image] }] }, { images: false }],
  ])('is skipped: %s', (reason, fields, overrides) => {
    expect(fitted(fields, 'llama3.2', overrides)).toEqual({
      kind: 'skip',
      reason: expect.stringContaining(reason),
    })
  })

  it('is skipped for an image in the result of a tool that was asked for just now', () => {
    const result = { type: 'tool_result', tool_use_id: 't', content: [image] }
    const messages = [hi, answer, { role: 'user', content: [result] }]
    expect(fitted({ messages }, 'llama3.2', { images: false })).toMatchObject({ kind: 'skip' })
  })
})

describe('the length of a prompt', () => {
  /** English prose: 4.3 characters for each token, or somewhat more. */
  const sentence =
    'A spillway carries water safely around a dam that is full; this one carries calls around an endpoint that is full. '
  const prose = (tokens: number): JsonObject => ({
    messages: [{ role: 'user', content: sentence.repeat(Math.ceil((tokens * 4.6) / sentence.length)) }],
  })
  const model = 'claude-haiku-4-5'

  it.each([100_000, 130_000, 160_000, 180_000])(
    'is not too long where it may be taken: %i tokens of prose',
    (tokens) => {
      const result = fitted({ ...prose(tokens), max_tokens: 8_000 }, model)
      expect(result).toMatchObject({ kind: 'fits', degraded: [] })
    },
  )

  it.each([240_000, 400_000, 5_000_000])('is too long where it surely is: %i tokens of prose', (tokens) => {
    expect(fitted(prose(tokens), model)).toEqual({
      kind: 'skip',
      reason: expect.stringMatching(/^prompt is too long: at least \d+ tokens > 200000 maximum$/),
    })
  })

  it('leaves the answer what it may have beside the prompt', () => {
    for (const tokens of [150_000, 170_000, 190_000, 210_000]) {
      const result = fitted({ ...prose(tokens), max_tokens: 64_000 }, model)
      const { body } = result as { body: { max_tokens: number } }
      expect(body.max_tokens).toBeGreaterThan(Math.max(1_000, 0.33 * (200_000 - tokens)))
      expect(body.max_tokens).toBeLessThan(200_000 - 0.85 * tokens)
    }
  })

  it.each([
    ['a table padded with spaces', `| name${' '.repeat(40)} | 1 |\n`, 1.3e6],
    ['Russian', 'Всё больше компаний начинают использовать большие языковые модели. ', 700_000],
    ['Hindi', 'कल दोपहर हम दोस्तों के साथ पार्क में टहलने गए और कई बच्चों को घास पर खेलते देखा। ', 500_000],
  ])('is not taken for more because of its bytes: %s', (_, unit, characters) => {
    const content = unit.repeat(characters / unit.length)
    expect(fitted({ messages: [{ role: 'user', content }] }, model)).toMatchObject({ kind: 'fits' })
  })

  it('is not counted by its images and documents, which may be small', () => {
    const many = Array.from({ length: 150 }, () => image)
    const data = `JVBERi0x${'A'.repeat(9_000_000)}`
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } }
    const content = [...many, pdf, { type: 'text', text: 'What?' }]
    expect(fitted({ messages: [{ role: 'user', content }] }, model)).toMatchObject({ kind: 'fits' })
  })

  it('holds nothing up for 30 MB of nothing', { retry: 2 }, () => {
    const text = Buffer.alloc(30_000_000, ' ').toString()
    const begun = process.cpuUsage()
    expect(fitted({ messages: [{ role: 'user', content: text }] }, model)).toMatchObject({ kind: 'fits' })
    expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(300)
  })
})

describe('thinking in the history', () => {
  const own = { type: 'thinking', thinking: 'a', signature: 'EqQB' }
  const foreign = { type: 'thinking', thinking: 'b', signature: 'spillway:1' }
  const unsigned = { type: 'thinking', thinking: 'c', signature: '' }
  const use = { type: 'tool_use', id: 'toolu_1', name: 'a', input: {} }
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] }
  const nextUse = { ...use, id: 'toolu_2' }
  const nextResult = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_2' }] }
  const thought = (...content: JsonObject[]): JsonObject => ({ role: 'assistant', content })

  it('goes back to Claude where Claude has signed it, and only then', () => {
    const home = [hi, thought(own, use), result]
    const messages = [...home, thought(foreign, nextUse), nextResult, thought(unsigned), hi]
    expect(fitted({ messages }, 'claude-opus-5-5')).toEqual(
      reduced({ messages: [...home, thought(nextUse), nextResult, hi] }, 'thinking'),
    )
    const same = { ...base, messages: [hi, thought(own, use), result] }
    const known = modelCapabilities('claude-opus-5-5')
    expect(fitRequest({ api: 'anthropic', body: same }, known)).toMatchObject({ body: same, degraded: [] })
  })

  it('of Claude goes to no other model, nor to another Claude', () => {
    const hidden = { type: 'redacted_thinking', data: 'Emx' }
    const messages = [hi, thought(own, hidden, use), result]
    const expected = reduced({ messages: [hi, thought(use), result] }, 'thinking')
    expect(fitted({ messages }, 'llama3.2')).toEqual(expected)
    const other = { messages: [hi, thought(own, use), result] }
    expect(fitted(other, 'claude-sonnet-5-5', {}, { isOtherModel: true })).toEqual(expected)
  })

  it('is not asked for by a budget where the tool loop’s last answer has none', () => {
    const thinking = { type: 'enabled', budget_tokens: 2048 }
    const messages = [hi, thought(foreign, use), result]
    expect(fitted({ messages, thinking }, 'claude-sonnet-4-5')).toEqual(
      reduced({ messages: [hi, thought(use), result] }, 'thinking'),
    )
  })

  it('is all that changes in the scope of thinking', () => {
    const known = modelCapabilities('claude-sonnet-5-5')
    const scope = 'thinking' as const
    const thinking = { type: 'enabled', budget_tokens: 2048 }
    const body = { ...base, messages: [hi, thought(own, use), result], temperature: 0.2, thinking }
    expect(fitRequest({ api: 'anthropic', body, scope }, known)).toEqual({ kind: 'fits', body, degraded: [] })
    const home = [hi, thought(own, use), result]
    const mixed = { ...base, messages: [...home, thought(foreign, nextUse), nextResult] }
    expect(fitRequest({ api: 'anthropic', body: mixed, scope }, known)).toMatchObject({
      body: { messages: [...home, thought(nextUse), nextResult] },
      degraded: ['thinking'],
    })
  })
})
