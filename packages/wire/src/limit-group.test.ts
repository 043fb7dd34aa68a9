import { expect, it } from 'vitest'
import { limitGroup } from './limit-group.ts'

it.each([
  ['claude-opus-4-8', 'claude-opus-4'],
  ['claude-opus-4-5-20251101', 'claude-opus-4'],
  ['anthropic/claude-opus-4.6', 'claude-opus-4'],
  ['us.anthropic.claude-opus-4-6-v1', 'claude-opus-4'],
  ['claude-sonnet-4-6', 'claude-sonnet-4'],
  ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4'],
  ['claude-sonnet-4-5@20250929', 'claude-sonnet-4'],
  ['claude-fable-5-2', 'claude-fable-5'],
  ['claude-fable-5', 'claude-fable-5'],
])('%s shares the limits of %s', (model, group) => {
  expect(limitGroup(model)).toBe(group)
})

it.each([
  ['claude-opus-5', 'claude-opus-5'],
  ['claude-opus-5-5', 'claude-opus-5-5'],
  ['claude-sonnet-5', 'claude-sonnet-5'],
  ['claude-sonnet-5-5', 'claude-sonnet-5-5'],
  ['claude-haiku-4-5-20251001', 'claude-haiku-4-5'],
  ['claude-haiku-5-5', 'claude-haiku-5-5'],
  ['Claude-Haiku-5-5', 'claude-haiku-5-5'],
  ['claude-sonnet-4-20250514', 'claude-sonnet-4'],
  ['gpt-5.2', 'gpt-5.2'],
  ['llama-3.3-70b-versatile', 'llama-3.3-70b-versatile'],
  ['claude-3-5-haiku-20241022', 'claude-3-5-haiku-20241022'],
  ['', ''],
])('%s has limits of its own: %s', (model, group) => {
  expect(limitGroup(model)).toBe(group)
})

it('fast mode has limits of its own', () => {
  expect(limitGroup('claude-opus-5-5', 'fast')).toBe('claude-opus-5-5 fast')
  expect(limitGroup('claude-opus-5-5', 'standard')).toBe('claude-opus-5-5')
  expect(limitGroup('gpt-5.2', 'fast')).toBe('gpt-5.2')
})

it('is short, however long a name a caller makes up, and versions that there are not share a group', () => {
  expect(limitGroup('x'.repeat(1_000_000))).toHaveLength(100)
  expect(limitGroup('claude-opus-4-99')).toBe('claude-opus-4')
  expect(limitGroup('claude-opus-4-12345')).toBe('claude-opus-4')
})
