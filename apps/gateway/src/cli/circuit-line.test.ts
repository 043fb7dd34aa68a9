import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { circuitLine } from './circuit-line.ts'

const at = new Date(2026, 10, 26, 9, 5, 7)
const change = { key: 'claude-opus-5-5', scope: 'model', from: 'closed', to: 'open' } as const

it('a circuit that opens is one line: when, whose, and why', () => {
  const changed = { target: 'claude', endpoint: '2', change: { ...change, reason: 'failure_rate' as const } }
  expect(stripVTControlCharacters(circuitLine(changed, at))).toBe(
    '09:05:07  claude      circuit open       too many of the last calls failed (endpoint 2, claude-opus-5-5)',
  )
})

it('the circuit of a key does not show the key', () => {
  const closed = { ...change, key: '*', scope: 'key', to: 'closed', reason: 'probes_succeeded' } as const
  const line = circuitLine({ target: 'claude', endpoint: '1', change: closed }, at)
  expect(stripVTControlCharacters(line)).toMatch(
    /circuit closed {5}it answers again \(endpoint 1, its key\)$/,
  )
})

it('line breaks and escape sequences in the name of a model do not act on the log', () => {
  const odd = { ...change, key: 'a\nb\u001b[2J', reason: 'failure_rate' } as const
  const line = circuitLine({ target: 'claude', endpoint: '1', change: odd }, at)
  expect(line).toContain('a\\u{a}b\\u{1b}[2J')
})
