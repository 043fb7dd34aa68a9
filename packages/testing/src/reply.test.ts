import { describe, expect, it } from 'vitest'
import { defaultText, fullReply } from './reply.ts'

describe('a reply', () => {
  it('is cut into words, or as many pieces as asked for, and never through a character', () => {
    const text = 'a🌊b🌊🌊 c'
    expect(fullReply({ text }, undefined, {}).text).toEqual(['a🌊b🌊🌊 ', 'c'])
    for (let chunks = 1; chunks < 15; chunks++) {
      const pieces = fullReply({ text }, chunks, {}).text
      expect(pieces.join('')).toBe(text)
      expect(pieces.length).toBeLessThanOrEqual(Math.min(chunks, [...text].length))
      for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
    }
  })

  it('repeats the default text to suit the number of chunks', () => {
    const { text } = fullReply({}, 12, {})
    expect(text).toHaveLength(12)
    expect(text.join('').startsWith(`${defaultText} The spillway `)).toBe(true)
  })

  it('has what was not said decided', () => {
    const prompt = { system: 'x'.repeat(40), messages: [{ role: 'user', content: 'y'.repeat(36) }] }
    const reply = fullReply({ text: 'z'.repeat(8), toolUse: [{ name: 'a', input: {} }] }, undefined, prompt)
    expect(reply).toMatchObject({ stopReason: 'tool_use', usage: { inputTokens: 20, outputTokens: 3 } })
    const told = fullReply({ stopReason: 'max_tokens', usage: { outputTokens: 7 } }, undefined, {})
    expect(told).toMatchObject({ stopReason: 'max_tokens', usage: { inputTokens: 1, outputTokens: 7 } })
  })
})
