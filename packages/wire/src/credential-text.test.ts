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
    ['sk-a\nsk-b', 'contains a line break'],
    ['sk-a\r\nsk-b\n', 'contains a line break'],
    ['sk-a\u2028sk-b', 'contains a line break'],
    ['sk-a sk-b', 'contains white space'],
    ['Bearer sk-a', 'contains white space'],
    ['sk-a\tsk-b', 'contains white space'],
    ['sk-a\u00a0sk-b', 'contains white space'],
    ['sk-a\u0000', 'contains a control character'],
    ['sk-a\u007f', 'contains a control character'],
    ['\u001b[31msk-a', 'contains a control character'],
    ['sk-ä', 'contains a non-ASCII character'],
    ['sk-a\u200b', 'contains a non-ASCII character'],
    ['sk–a', 'contains a non-ASCII character'],
    ['"sk-a"', 'is in quotes'],
    ["'sk-a'\n", 'is in quotes'],
    ['`sk-a`', 'is in quotes'],
    ['""', 'is in quotes'],
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
