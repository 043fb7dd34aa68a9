import { describe, expect, it } from 'vitest'
import { omitField, withFieldRenamed, withItems, withItemsAdded, withObject } from './field-patches.ts'
import { fieldSpans } from './field-spans.ts'
import { fieldOf, type JsonBody, jsonBodyFromBytes, withField } from './json-body.ts'

const bodyOf = (text: string): JsonBody => jsonBodyFromBytes(Buffer.from(text))

/** The text of a body, whose fields are where it says. */
function text({ bytes, fields }: JsonBody): string {
  if (fields !== undefined) expect(new Map(fields)).toEqual(fieldSpans(bytes))
  return Buffer.from(bytes).toString()
}

describe('a patched body', () => {
  it.each([
    ['{ "a" : 1.0 }', '{  }'],
    ['{"a":1.0 , "b":2.0}', '{ "b":2.0}'],
    ['{"b":2.0 , "a" :[1,{}] , "c":3.0}', '{"b":2.0  , "c":3.0}'],
    ['{"b":2.0}', '{"b":2.0}'],
    ['{"a":1,"a":2}', '{"a":1,"a":2}'],
    ['{"\\u0061":1}', '{"\\u0061":1}'],
  ])('lacks a field: %s', (before, after) => {
    expect(text(omitField(bodyOf(before), 'a'))).toBe(after)
  })

  it('has another name for a field, unless it has it already', () => {
    expect(text(withFieldRenamed(bodyOf('{"x":1, "a" : 1.0,"y":2}'), 'a', 'longer'))).toBe(
      '{"x":1, "longer" : 1.0,"y":2}',
    )
    const both = bodyOf('{"a":1,"b":2}')
    expect(withFieldRenamed(both, 'a', 'b')).toBe(both)
  })

  it.each([
    ['{"l":[ {"n":1} , {"n":2.0},3 ],"z":1.0}', '{"l":[ {"n":9} , {"n":2.0},3 ],"z":1.0}'],
    ['{"l":[{"n":0} , {"n":2.0} ]}', '{"l":[{"n":2.0} ]}'],
    ['{"l":[{"n":2.0} , {"n":0}, "x" ]}', '{"l":[{"n":2.0}, "x" ]}'],
    ['{"l":[{"n":0},{"n":0}]}', '{"l":[]}'],
    ['{"l":[{"n":2},{"n":2,"n":0}]}', '{"l":[{"n":2},{"n":2,"n":0}]}'],
    ['{"l":[]}', '{"l":[]}'],
    ['{"l":{"n":1}}', '{"l":{"n":1}}'],
  ])('has other items, or fewer: %s', (before, after) => {
    const body = bodyOf(before)
    const changed = withItems(body, 'l', (item) => {
      const n = fieldOf(item, 'n')
      return n === 0 ? undefined : n === 1 ? withField(item, 'n', 9) : item
    })
    expect(text(changed)).toBe(after)
    expect(changed === body).toBe(before === after)
  })

  it.each([
    ['{"l":[],"z":1.0}', '{"l":[1,"b"],"z":1.0}'],
    ['{"l":[ ]}', '{"l":[1,"b" ]}'],
    ['{"a":[1.0],"l":[[] ], "z":1.0}', '{"a":[1.0],"l":[[],1,"b" ], "z":1.0}'],
    ['{"l":{}}', undefined],
    ['{"l":[],"l":[]}', undefined],
  ])('has more items: %s', (before, after) => {
    const changed = withItemsAdded(bodyOf(before), 'l', [1, 'b'])
    expect(changed && text(changed)).toBe(after)
  })

  it('has another object in a field', () => {
    const body = bodyOf('{"o":{"a":1, "b":2.0} }')
    expect(text(withObject(body, 'o', (each) => omitField(each, 'a')))).toBe('{"o":{ "b":2.0} }')
    expect(withObject(body, 'o', (each) => each)).toBe(body)
  })
})
