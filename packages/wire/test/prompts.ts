import fc from 'fast-check'

const texts = fc.constantFrom('', 'Hi', 'é'.repeat(300), 'x'.repeat(600))
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
)
/** Prompts with all that makes a difference, some of it in the wrong place. */
export const prompts = fc.record(
  {
    model: fc.constant('m'),
    system: contents,
    tools: fc.array(fc.record({ name: texts }), { maxLength: 2 }),
    messages: fc.oneof(fc.array(turns, { maxLength: 4 }), texts),
    other: fc.array(turns, { maxLength: 2 }),
  },
  { requiredKeys: ['model'] },
)
