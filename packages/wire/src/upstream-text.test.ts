import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idOf, messageOf, nameField } from './upstream-text.ts'

const name = (value: unknown, longest?: number): string | undefined =>
  nameField({ name: value }, 'name', longest)

describe('a name', () => {
  it.each([
    'claude-opus-5-5',
    'anthropic/claude-sonnet-4.5:beta',
    'us.anthropic.claude',
    'Qwen 3 (8B)',
    '模型',
    'a',
  ])('%j is one', (value) => {
    expect(name(value)).toBe(value)
  })

  it.each([
    ['a number', 5],
    ['nothing', undefined],
    ['null', null],
    ['a list', ['claude']],
    ['an object', { toString: () => 'claude' }],
    ['empty', ''],
    ['longer than any name', 'a'.repeat(257)],
    ['more than one line', 'claude\nforged'],
    ['a terminal sequence', 'claude\u001b[2J'],
    ['text that is turned around', 'claude\u202e5-5'],
    ['a NUL, which PostgreSQL refuses', 'claude\0'],
    ['half of a surrogate pair', 'claude\ud83d'],
    ['a line separator', 'claude\u2028'],
  ])('is nothing where it is %s', (_what, value) => {
    expect(name(value)).toBeUndefined()
  })

  it('may be as long as was said', () => {
    expect([name('end_turn', 8), name('end_turn', 7)]).toEqual(['end_turn', undefined])
    expect(name('a'.repeat(256))).toHaveLength(256)
  })
})

describe('an id', () => {
  it.each(['req_011CVabc', 'a', '~'.repeat(256)])('%j is one', (value) => {
    expect(idOf(value)).toBe(value)
  })

  it.each([7, null, '', 'two words', 'caf\u00e9', 'req_\u2713', 'a\r\nb: c', 'a\0', '~'.repeat(257)])(
    '%j is none',
    (value) => {
      expect(idOf(value)).toBeUndefined()
    },
  )
})

describe('a message', () => {
  it('keeps its words, lines and letters', () => {
    expect(messageOf('Zu viel:\n\t5 \u2713 \ud83d\ude00')).toBe('Zu viel:\n\t5 \u2713 \ud83d\ude00')
  })

  it('is cut, and not in the middle of a letter', () => {
    expect(messageOf('a'.repeat(500))).toBe('a'.repeat(500))
    expect(messageOf('a'.repeat(501))).toBe(`${'a'.repeat(500)}\u2026`)
    expect(messageOf(`${'a'.repeat(499)}\ud83d\ude00`)).toBe(`${'a'.repeat(499)}\ufffd\u2026`)
  })

  it('holds nothing that JSON, a terminal or a database cannot take', () => {
    expect(messageOf('a\0b\u001b[2Jc\u0085d\ud800e')).toBe('a\ufffdb\ufffd[2Jc\ufffdd\ufffde')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const message = messageOf(text)
        expect(message.isWellFormed() && !/(?![\t\n])\p{Cc}/u.test(message)).toBe(true)
        expect(message.length).toBeLessThanOrEqual(501)
      }),
    )
  })
})
