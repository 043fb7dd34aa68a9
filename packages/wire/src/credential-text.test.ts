import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCredential } from './credential-text.ts'

const key = 'sk-ant-api03-AbC_123-xyz+/='

describe('a credential', () => {
  it.each([
    ['as it is', key],
    ['with a line feed behind it', `${key}\n`],
    ['with the line end of Windows', `${key}\r\n`],
    ['with several', `\n\n${key}\n\n`],
    ['with spaces and tabs around it', ` \t${key}\t `],
    ['with a byte order mark', `\ufeff${key}\n`],
    ['with no-break spaces', `\u00a0${key}\u00a0`],
  ])('%s is read', (_, text) => {
    expect(readCredential(text)).toEqual({ value: key })
  })

  it.each([
    ['', 'is empty'],
    [' \r\n', 'is empty'],
    ['\ufeff', 'is empty'],
    ['sk-a\nsk-b', 'holds a line break inside'],
    ['sk-a\r\nsk-b\n', 'holds a line break inside'],
    ['sk-a\u2028sk-b', 'holds a line break inside'],
    ['sk-a sk-b', 'holds white space inside'],
    ['Bearer sk-a', 'holds white space inside'],
    ['sk-a\tsk-b', 'holds white space inside'],
    ['sk-a\u00a0sk-b', 'holds white space inside'],
    ['sk-a\u0000', 'holds a control character inside'],
    ['sk-a\u007f', 'holds a control character inside'],
    ['\u001b[31msk-a', 'holds a control character inside'],
    ['sk-ä', 'holds a character that is not ASCII'],
    ['sk-a\u200b', 'holds a character that is not ASCII'],
    ['sk–a', 'holds a character that is not ASCII'],
    ['"sk-a"', 'stands in quotes'],
    ["'sk-a'\n", 'stands in quotes'],
    ['`sk-a`', 'stands in quotes'],
    ['""', 'stands in quotes'],
  ])('%j is none: it %s', (text, problem) => {
    expect(readCredential(text)).toEqual({ problem })
  })

  it.each(['"', '"sk-a', 'sk-a"', 's"k'])('%j is read: a quote alone may be part of it', (text) => {
    expect(readCredential(text)).toEqual({ value: text })
  })

  it('can be sent in a header, or is none', () => {
    const { Headers } = globalThis
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const read = readCredential(text)
        if ('problem' in read) return !('value' in read)
        new Headers({ authorization: `Bearer ${read.value}` })
        return text.includes(read.value) && readCredential(read.value) !== undefined
      }),
    )
  })

  it('is never quoted by what is wrong with it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, unit: 'binary' }), (text) => {
        const read = readCredential(`secret-${text} x`)
        return !JSON.stringify(read).includes('secret-')
      }),
    )
  })
})
