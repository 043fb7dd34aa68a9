import fc from 'fast-check'

/** Texts of which a part is looked at, whose places are easy to miss: many bytes a character, many escapes, halves of characters. */
const parts = fc.constantFrom(
  'Hi ',
  'é',
  '日本',
  '😀',
  '"',
  '\\',
  '\n',
  '\\n',
  '\u0001',
  '\ud83d',
  '\ude00',
  '/',
)
const longTexts = fc
  .tuple(fc.array(parts, { minLength: 1, maxLength: 5 }), fc.nat(700), fc.array(parts, { maxLength: 5 }))
  .map(([some, count, others]) => some.join('').repeat(count) + others.join(''))
const texts = fc.oneof(fc.constantFrom('', 'Hi', 'é'.repeat(300), 'x'.repeat(600)), longTexts)
const blocks = fc.oneof(
  fc.record({ type: fc.constantFrom('text', 'image', 7), text: texts }, { requiredKeys: ['type'] }),
  fc.record(
    {
      type: fc.constantFrom('thinking', 'redacted_thinking', 'text'),
      thinking: texts,
      signature: fc.constantFrom('', 'EqQB', 'spillway:1', 'spillwa', null, 'x'.repeat(500)),
    },
    { requiredKeys: ['type'] },
  ),
  fc.constantFrom<unknown>('thinking', null, [{ type: 'thinking' }], { content: [{ type: 'thinking' }] }),
)
const contents = fc.oneof(texts, fc.array(blocks, { maxLength: 3 }), fc.constant({ type: 'thinking' }))
const turns = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      role: fc.constantFrom<unknown>('user', 'assistant', 'system', null),
      content: contents,
    }),
  },
  fc.constantFrom<unknown>(null, 'user', ['assistant'], [[{ type: 'thinking' }]]),
  fc.record({ type: fc.constantFrom('function_call', 'function_call_output', 'reasoning', 7) }),
)
const tools = fc.oneof(
  fc.record({ name: texts }),
  fc.record({ type: fc.constant('function'), function: fc.record({ name: texts, parameters: contents }) }),
  fc.constantFrom<unknown>(
    null,
    'read',
    { function: 'name' },
    { type: 'web_search', function: { name: 7 } },
    [{ name: 'a' }],
  ),
)
/** Prompts with all that makes a difference, some of it in the wrong place. */
export const prompts = fc.record(
  {
    model: fc.constant('m'),
    system: contents,
    instructions: contents,
    tools: fc.oneof(fc.array(tools, { maxLength: 3 }), fc.constantFrom<unknown>(null, { name: 'a' })),
    messages: fc.oneof(fc.array(turns, { maxLength: 4 }), texts),
    input: fc.oneof(fc.array(turns, { maxLength: 4 }), texts),
    other: fc.array(turns, { maxLength: 2 }),
  },
  { requiredKeys: ['model'] },
)

/** JSON as some write it: nothing but ASCII. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
