import fc from 'fast-check'
import { expect, it } from 'vitest'
import { globMatcher } from './glob.ts'

/** What a glob means, as a regular expression. */
function meaning(glob: string): RegExp {
  const escaped = glob.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`, 's')
}

it.each([
  ['claude-opus-5-5', 'claude-opus-5-5', true],
  ['claude-opus-5-5', 'claude-opus-5-5-fast', false],
  ['claude-*', 'claude-', true],
  ['claude-*', 'a-claude-x', false],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['*', 'over\nlines', true],
  ['**', 'a', true],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['ab*ba', 'aba', false],
  ['*ab*ab*', 'ab', false],
  ['*ab*ab', 'abxab', true],
  ['a*b*c', 'abcbc', true],
  ['*.5', '.5.5', true],
  ['claude-(opus|haiku)', 'claude-opus', false],
])('%s stands for %j: %s', (glob, text, matches) => {
  expect(globMatcher(glob)(text)).toBe(matches)
})

it('means what the regular expression means', () => {
  const few = (characters: string, maxLength: number) =>
    fc.array(fc.constantFrom(...characters), { maxLength }).map((all) => all.join(''))
  fc.assert(
    fc.property(few('ab*.', 6), few('ab.\n', 8), (glob, text) => {
      expect(globMatcher(glob)(text)).toBe(meaning(glob).test(text))
    }),
    { numRuns: 20_000 },
  )
})

it.each(['*a*b', '*a*a*a*a*b', '*ab*ba*c'])('takes no longer than reading the text: %s', (glob) => {
  const text = 'a'.repeat(500_000)
  const startedAt = performance.now()
  expect(globMatcher(glob)(text)).toBe(false)
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})
