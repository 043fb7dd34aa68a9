import type { JsonObject } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ChatDialectName } from './dialect.ts'
import type { Loss } from './loss.ts'
import { requestToAnthropic } from './request-to-anthropic.ts'
import { requestToOpenAi } from './request-to-openai.ts'

// Messages -> chat -> Messages keeps all that the losses do not name.

const text = fc
  .oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.constantFrom('größer', ' a\n', '"\\'))
  .filter((each) => each.trim() !== '')
const hint = fc.option(fc.constant({ cache_control: { type: 'ephemeral' } }), { nil: {}, freq: 6 })
const hinted = (block: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> =>
  fc.tuple(block, hint).map(([each, more]) => ({ ...each, ...more }))
const textBlock = hinted(text.map((value) => ({ type: 'text', text: value })))
const media = fc.constantFrom<JsonObject>(
  { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0K' } },
  { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
  {
    type: 'document',
    source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
    title: 'a.pdf',
  },
)
const said = fc.oneof(
  text,
  fc.array(fc.oneof({ weight: 3, arbitrary: textBlock }, hinted(media)), { minLength: 1, maxLength: 3 }),
)
const input = fc
  .dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const thought = fc.constantFrom<JsonObject>(
  { type: 'thinking', thinking: 'Claude thinks.', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxB' },
  { type: 'thinking', thinking: 'Another one thinks.', signature: 'spillway:1' },
  { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix' },
)
const use = hinted(
  fc.record({ type: fc.constant('tool_use'), name: fc.constantFrom('look', 'open-gate'), input }),
)
const step = fc.record({
  user: said,
  system: fc.option(text, { freq: 4 }),
  thinking: fc.array(thought, { maxLength: 1 }),
  texts: fc.array(textBlock, { maxLength: 2 }),
  uses: fc.array(use, { maxLength: 3 }),
  results: fc.array(
    hinted(
      fc.record({
        content: fc.oneof(
          text,
          fc.array(
            text.map((value) => ({ type: 'text', text: value })),
            { minLength: 1, maxLength: 2 },
          ),
        ),
        is_error: fc.boolean(),
      }),
    ),
    { minLength: 3, maxLength: 3 },
  ),
})

/** A conversation that Claude takes: results behind their calls, instructions behind the user and before the assistant. */
const messages = fc.tuple(fc.array(step, { maxLength: 4 }), said).map(([steps, last]) => {
  const turns: { role: string; content: unknown }[] = []
  let results: JsonObject[] = []
  const user = (content: unknown): void => {
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : (content as JsonObject[])
    turns.push({ role: 'user', content: results.length > 0 ? [...results, ...blocks] : content })
    results = []
  }
  for (const [i, { user: words, system, thinking, texts, uses, results: said }] of steps.entries()) {
    const content = [...thinking, ...texts, ...uses.map((each, k) => ({ ...each, id: `toolu_${i}_${k}` }))]
    user(words)
    if (texts.length + uses.length === 0) continue
    if (system !== null) turns.push({ role: 'system', content: system })
    turns.push({ role: 'assistant', content })
    results = uses.map((_, k) => ({ type: 'tool_result', tool_use_id: `toolu_${i}_${k}`, ...said[k] }))
  }
  user(last)
  return turns
})

const closed = {
  type: 'object',
  properties: { a: { type: 'string' } },
  required: ['a'],
  additionalProperties: false,
}
const open = {
  type: 'object',
  properties: { a: { type: 'string' }, b: { type: 'integer', minimum: 1 } },
  required: ['a'],
}
const tools = fc.array(
  hinted(
    fc.record({
      name: fc.constantFrom('look', 'open-gate'),
      description: text,
      input_schema: fc.constantFrom(closed, open, { type: 'object' }),
    }),
  ),
  { maxLength: 2 },
)
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 })
const body = fc
  .record({
    model: fc.constantFrom('claude-sonnet-5-5', 'claude-opus-4-5', 'claude-opus-4-6', 'qwen3'),
    max_tokens: fc.integer({ min: 4000, max: 9000 }),
    messages,
    system: optional(fc.oneof(text, fc.array(textBlock, { minLength: 1, maxLength: 3 }))),
    tools: optional(tools),
    tool_choice: optional(
      fc.constantFrom<JsonObject>(
        { type: 'auto' },
        { type: 'none' },
        { type: 'any' },
        { type: 'tool', name: 'look' },
        { type: 'auto', disable_parallel_tool_use: true },
      ),
    ),
    thinking: optional(
      fc.constantFrom<JsonObject>(
        { type: 'adaptive' },
        { type: 'disabled' },
        { type: 'enabled', budget_tokens: 2048 },
      ),
    ),
    output_config: optional(
      fc.constantFrom<JsonObject>(
        { effort: 'high' },
        { effort: 'max' },
        { format: { type: 'json_schema', schema: closed } },
        { format: { type: 'json_schema', schema: open } },
      ),
    ),
    metadata: optional(fc.record({ user_id: fc.stringMatching(/^[a-z0-9-]{1,64}$/) })),
    service_tier: optional(fc.constantFrom('auto', 'standard_only')),
    stop_sequences: optional(fc.array(text, { maxLength: 6 })),
    temperature: optional(fc.constantFrom(0, 0.5, 1)),
    top_k: optional(fc.constant(5)),
    stream: optional(fc.boolean()),
  })
  .map((each) => JSON.parse(JSON.stringify(each)) as JsonObject)

const blocksOf = (content: unknown): JsonObject[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : (content as JsonObject[])
const joined = (blocks: readonly JsonObject[], by: string): JsonObject[] => {
  const texts = blocks.filter(({ type }) => type === 'text').map((each) => each.text)
  return texts.length === 0 ? [] : [{ type: 'text', text: texts.join(by) }]
}

/** What is said without the notes in place of what is named as lost. */
const note = /(?:\n|^)\[(?:an image|a document)[^\]]* that could not be passed on\]/g
const withoutNotes = (blocks: readonly JsonObject[]): JsonObject[] =>
  blocks.flatMap((each) => {
    const value = String(each.text).replace(note, '')
    return value === ''
      ? []
      : [{ type: 'text', text: value.replace(/^\n/, String(each.text).startsWith('[') ? '' : '\n') }]
  })

/**
 * A conversation in the form in which both protocols can have it: one turn of a role in a row; the assistant's thinking, then its
 * text, then its calls; results first, errors told in their text; texts of the user joined where nothing hangs on them.
 */
function normalTurns(list: readonly JsonObject[], lost: ReadonlySet<Loss>): unknown[] {
  const turns: { role: unknown; blocks: JsonObject[] }[] = []
  for (const { role, content } of list) {
    // Instructions that have no place become the user's words.
    const now = role === 'system' && lost.has('system_messages') ? 'user' : role
    const blocks = blocksOf(content)
    if (turns.at(-1)?.role === now) turns.at(-1)?.blocks.push(...blocks)
    else turns.push({ role: now, blocks: [...blocks] })
  }
  return turns.map(({ role, blocks }) => {
    const of = (...types: string[]): JsonObject[] => blocks.filter(({ type }) => types.includes(String(type)))
    if (role === 'assistant') {
      const thoughts = lost.has('thinking') ? [] : of('thinking', 'redacted_thinking')
      const hints = of('text')
        .filter(({ cache_control }) => cache_control !== undefined)
        .map(() => 'hint')
      return { role, content: [...thoughts, ...joined(blocks, ''), ...of('tool_use')], hints }
    }
    const results = of('tool_result').map(({ content, is_error, ...each }) => ({
      ...each,
      content:
        (is_error === true ? 'Error: ' : '') +
        blocksOf(content)
          .map((inner) => inner.text)
          .join('\n'),
    }))
    const shown = of('image', 'document').filter(
      ({ type }) => !lost.has(type === 'image' ? 'images' : 'documents'),
    )
    const texts = of('text')
    const hints = texts.filter(({ cache_control }) => cache_control !== undefined).map((each) => each.text)
    return { role, content: [...results, ...shown, ...withoutNotes(joined(texts, '\n'))], hints }
  })
}

/** Opus 4.5 has an effort as a budget of thinking when it comes back from chat. */
const thinksByBudget = ({ model, output_config, thinking }: JsonObject): boolean =>
  model === 'claude-opus-4-5' &&
  ((output_config as JsonObject)?.effort !== undefined || thinking !== undefined)

const omit = (object: JsonObject, ...names: string[]): JsonObject =>
  Object.fromEntries(
    Object.entries(object).filter(([name, value]) => !names.includes(name) && value !== undefined),
  )

/** A request in its normal form, without what is named as lost. */
function normal(request: JsonObject, losses: readonly Loss[]): JsonObject {
  const lost = new Set(losses)
  const bare = lost.has('cache_control')
    ? (JSON.parse(
        JSON.stringify(request, (name, value) => (name === 'cache_control' ? undefined : value)),
      ) as JsonObject)
    : request
  const { effort, format } = (bare.output_config ?? {}) as { effort?: unknown; format?: { schema: unknown } }
  const choice = bare.tool_choice as JsonObject | undefined
  const hasTools = Array.isArray(bare.tools) && bare.tools.length > 0
  const isUsual =
    choice === undefined || (choice.type === 'auto' && choice.disable_parallel_tool_use !== true)
  const system = bare.system === undefined ? [] : blocksOf(bare.system)
  const thinks = lost.has('thinking') || lost.has('effort')
  return omit({
    model: bare.model,
    max_tokens: lost.has('max_tokens') ? undefined : bare.max_tokens,
    system: system.map((each) => each.text).join('\n'),
    hints: system.flatMap(({ cache_control, text: value }) => (cache_control === undefined ? [] : [value])),
    messages: normalTurns(bare.messages as JsonObject[], lost),
    tools: hasTools
      ? (bare.tools as JsonObject[]).map((tool) => ({
          ...tool,
          input_schema: { properties: {}, ...(tool.input_schema as object) },
        }))
      : undefined,
    tool_choice:
      !hasTools || isUsual || lost.has('tool_choice') || lost.has('parallel_tool_calls') ? undefined : choice,
    // An effort asks for thinking.
    thinking: thinks ? undefined : effort === undefined ? bare.thinking : { type: 'adaptive' },
    effort: lost.has('effort') ? undefined : effort,
    format: lost.has('structured_output') ? undefined : format,
    metadata: lost.has('metadata') ? undefined : bare.metadata,
    service_tier: lost.has('service_tier') || bare.service_tier === 'auto' ? undefined : bare.service_tier,
    stop_sequences:
      lost.has('stop_sequences') || (bare.stop_sequences as unknown[] | undefined)?.length === 0
        ? undefined
        : bare.stop_sequences,
    temperature: lost.has('temperature') || bare.temperature === 1 ? undefined : bare.temperature,
    top_k: lost.has('top_k') ? undefined : bare.top_k,
    stream: bare.stream === true ? true : undefined,
  })
}

it.each<ChatDialectName>(['openai', 'openrouter', 'openai-compatible', 'local'])(
  'Messages to %s and back keeps what the losses do not name',
  (dialect) => {
    fc.assert(
      fc.property(body, (request) => {
        const there = requestToOpenAi(request, dialect)
        const back = requestToAnthropic(JSON.parse(JSON.stringify(there.body)))
        const losses: Loss[] = [...there.degraded, ...back.degraded]
        if (thinksByBudget(request)) losses.push('effort', 'thinking')
        expect(normal(JSON.parse(JSON.stringify(back.body)), losses)).toEqual(normal(request, losses))
      }),
      { numRuns: 250 },
    )
  },
)
