import { describe, expect, it } from 'vitest'
import { BadParameter, openApi, questions, rangeOf, readQuery } from './index.ts'

const read = (text: string) => readQuery('calls', new URLSearchParams(text))

describe('a query', () => {
  it('has its defaults, and values of their types', () => {
    expect(read('')).toEqual({ limit: 50, format: 'json' })
    expect(read('limit=7&status=0&problems=true&from=5&model=')).toEqual({
      ...{ limit: 7, status: 0, problems: true, from: 5, format: 'json' },
    })
  })

  it.each([
    ['limit=0', 'limit: expected a whole number from 1 to 1000'],
    ['limit=1.5', 'limit: expected a whole number from 1 to 1000'],
    ['status=-1', 'status: expected a whole number from 0 to 999'],
    ['range=1y', 'range: expected one of 15m, 1h, 24h, 7d, 30d'],
    ['problems=yes', 'problems: expected true or false'],
    ['before=x', 'before: expected `next` of another page'],
    [`model=${'x'.repeat(201)}`, 'model: expected at most 200 characters'],
    ['limit=1&limit=2', 'limit: given more than once'],
    ['rnge=1h', 'rnge: unknown parameter; there are limit, before'],
    [`${'k'.repeat(40)}=1`, 'query: unknown parameter'],
  ])('%s is refused with what to do', (text, message) => {
    expect(() => read(text)).toThrow(BadParameter)
    expect(() => read(text)).toThrow(message)
  })
})

describe('a range', () => {
  const now = Date.UTC(2026, 10, 27, 17, 31, 7)

  it('of a name is whole steps that end after now', () => {
    const { from, to, step } = rangeOf({ range: '24h' }, now)
    expect([to - from, step, to % step]).toEqual([86_400_000, 1_800_000, 0])
    expect(to).toBeGreaterThan(now)
  })

  it.each([
    [{ from: now - 600_000 }, { from: now - 600_000, to: now, step: 60_000 }],
    [
      { from: 0, to: 86_400_000 * 30 },
      { from: 0, to: 86_400_000 * 30, step: 21_600_000 },
    ],
  ])('from %j has at most 120 steps', (asked, expected) => {
    expect(rangeOf(asked, now)).toEqual(expected)
  })

  it('must end after its begin', () => {
    expect(() => rangeOf({ from: 9, to: 9 }, now)).toThrow('from: expected a time before `to`')
  })
})

it('describes each question, without references to what is not there', () => {
  const described = openApi() as { paths: object; components: { schemas: object } }
  expect(Object.keys(described.paths)).toEqual(expect.arrayContaining(Object.keys(questions)))
  const named = JSON.stringify(described).matchAll(/#\/components\/schemas\/(\w+)/g)
  for (const [, name] of named) expect(described.components.schemas).toHaveProperty(name as string)
  expect(JSON.stringify(described)).not.toContain('$defs')
})
