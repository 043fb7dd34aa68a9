import { describe, expect, it } from 'vitest'
import { promptSize, surelyTooLong, tooLongError } from './prompt-size.ts'

const limits = { contextSize: 1003, longestTokenBytes: 10 }
const turnsOf = (...texts: string[]) => texts.map((text) => ({ role: 'user' as const, text }))

describe('a prompt that cannot fit', () => {
  it('is one with more bytes than the longest tokens could hold', () => {
    expect(surelyTooLong(turnsOf('x'.repeat(10_000)), limits)).toBeUndefined()
    expect(surelyTooLong(turnsOf('x'.repeat(10_001)), limits)).toBe(2501)
    expect(surelyTooLong(turnsOf('x'.repeat(5000), 'x'.repeat(5001)), limits)).toBe(2501)
  })

  it('is measured in bytes, not in characters', () => {
    expect(surelyTooLong(turnsOf('日'.repeat(3333)), limits)).toBeUndefined()
    expect(surelyTooLong(turnsOf('日'.repeat(3334)), limits)).toBe(2501)
  })

  it('is one with more turns than tokens', () => {
    expect(surelyTooLong(turnsOf(...Array<string>(1000).fill('')), limits)).toBeUndefined()
    expect(surelyTooLong(turnsOf(...Array<string>(1001).fill('')), limits)).toBe(1001)
  })

  it('is never said to be one where nothing is known of the tokens', () => {
    const unknown = { ...limits, longestTokenBytes: Infinity }
    expect(surelyTooLong(turnsOf('x'.repeat(10_000_000)), unknown)).toBeUndefined()
  })

  it('comes to more tokens than fit, also where tokens are short', () => {
    expect(surelyTooLong(turnsOf('x'.repeat(1001)), { ...limits, longestTokenBytes: 1 })).toBe(1001)
  })

  it('is refused in the words by which clients compact their conversation', () => {
    const { code, message } = tooLongError('tiny', 2501, limits)
    expect(code).toBe('SPILLWAY_LOCAL_PROMPT_TOO_LONG')
    expect(message).toBe('prompt is too long: 2501 tokens > 1000 maximum (the local model tiny)')
    expect(promptSize(message)).toEqual({ tokens: '2501', most: '1000' })
    expect(promptSize('anything else')).toBeUndefined()
  })
})
