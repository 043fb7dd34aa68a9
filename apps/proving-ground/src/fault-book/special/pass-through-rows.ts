import type { Reply } from '@spillway/testing'
import { attempts } from '../limits.ts'
import type { Row } from '../row.ts'
import { shapes } from '../shape.ts'
import { specialRow } from './expecting.ts'

const group = 'What passes through'

const reply: Reply = {
  thinking: 'The dam is full, so the water must go around it.',
  text: 'A spillway carries the water around the dam — 流れ 🌊.',
  toolUse: [{ name: 'open_gate', input: { gate: 3, reason: 'high "water"\n' } }],
}

/** A conversation whose last answer was signed thinking and a tool call. */
const signedTurns = {
  messages: [
    { role: 'user', content: 'Is the dam safe?' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Look at the level first.', signature: 'c2lnbmF0dXJlIG9mIHRoZSBkYW0=' },
        { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' },
        { type: 'tool_use', id: 'toolu_01', name: 'level', input: { at: 'crest' } },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_01', content: '12.5 m' }] },
  ],
}

const reasonedTurns = {
  messages: [
    { role: 'user', content: 'Is the dam safe?' },
    {
      role: 'assistant',
      content: 'Look at the level.',
      reasoning_details: [{ type: 'reasoning.text', text: 'The level first.', signature: 'c2lnbmF0dXJl' }],
    },
    { role: 'user', content: '12.5 m' },
  ],
}

/** Reasoning that nobody but its origin can read, and a call behind it. */
const sealedItems = {
  input: [
    { role: 'user', content: 'Is the dam safe?' },
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'c2VhbGVk' },
    { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'level', arguments: '{ "at": "crest" }' },
    { type: 'function_call_output', call_id: 'call_1', output: '12.5 m' },
  ],
  include: ['reasoning.encrypted_content'],
}

const turnsOf = { anthropic: signedTurns, openai: reasonedTurns, responses: sealedItems }

const overloaded = { type: 'status', status: 529 } as const

/** What must reach the other side as it was sent, in good times and in bad. */
export const passThroughRows: readonly Row[] = shapes.flatMap((shape) => {
  const thinking = {
    reply,
    requestMore: turnsOf[shape.api],
    complaint: 'maximhq/bifrost#6342',
  }
  const unchanged = { requestUnchanged: true }
  const rows = [
    specialRow(group, 'signed thinking', 'without a fault', shape, thinking, unchanged),
    specialRow(
      group,
      'signed thinking',
      'once overloaded',
      shape,
      { ...thinking, faults: [overloaded] },
      { ...unchanged, attempts: [2, 0] },
    ),
    specialRow(
      group,
      'signed thinking',
      'with a fallback',
      shape,
      { ...thinking, always: overloaded, fallback: {} },
      { ...unchanged, by: 'second', attempts: [attempts, 1] },
    ),
  ]
  const refusal = { reply: { text: 'I cannot help with that.', stopReason: 'refusal' } }
  rows.push(
    specialRow(group, 'an answer that declines', 'without a fault', shape, refusal, {}),
    // Whom the caller chose has answered: no other target is asked unless that is configured.
    specialRow(group, 'an answer that declines', 'with a fallback', shape, { ...refusal, fallback: {} }, {}),
  )
  if (shape.api !== 'anthropic') return rows
  const fallbacks = {
    requestMore: { fallbacks: [{ model: 'claude-haiku-5-5' }] },
    requestHeaders: { 'anthropic-beta': 'server-side-fallback-2026-07-01' },
    complaint: 'the field `fallbacks` of a body is Anthropic’s own',
  }
  return [
    ...rows,
    specialRow(group, 'the field `fallbacks`', 'without a fault', shape, fallbacks, unchanged),
    specialRow(
      group,
      'the field `fallbacks`',
      'with a fallback',
      shape,
      { ...fallbacks, always: overloaded, fallback: {} },
      { ...unchanged, by: 'second', attempts: [attempts, 1] },
    ),
  ]
})
