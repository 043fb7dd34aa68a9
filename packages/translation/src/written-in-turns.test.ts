import { jsonBodyFromBytes } from '@spillway/middleware/kit'
import { withSources, writeJson } from '@spillway/wire/internal'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyInTurns } from './written-in-turns.ts'

function turns() {
  const counter = { count: 0, turn: async () => void counter.count++ }
  return counter
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('what is written in turns', () => {
  it('is the text that it would be at once, and says where its fields are', async () => {
    const { turn } = turns()
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (json) => {
        const body = await bodyInTurns(json, (_, value) => writeJson(value), turn)
        expect(textOf(body.bytes)).toBe(writeJson(json))
        for (const [name, [start, end]] of body.fields ?? []) {
          expect(JSON.parse(textOf(body.bytes.subarray(start, end)))).toEqual(
            JSON.parse(JSON.stringify((json as Record<string, unknown>)[name])),
          )
        }
      }),
    )
  })

  it('leaves out what is undefined, and has null for it in a list', async () => {
    const { turn } = turns()
    const body = await bodyInTurns({ a: undefined, b: [undefined, 1] }, (_, value) => writeJson(value), turn)
    expect(textOf(body.bytes)).toBe('{"b":[null,1]}')
  })

  it('keeps the text of what is carried', async () => {
    const bytes = Buffer.from('{"input_schema":{"2":1.0,"1":1e400}}')
    const tool = withSources(jsonBodyFromBytes(bytes).json, bytes)
    const body = await bodyInTurns({ tools: [tool] }, (_, value) => writeJson(value), turns().turn)
    expect(textOf(body.bytes)).toBe(`{"tools":[${bytes}]}`)
  })

  it('gives others a turn every few megabytes of a list', async () => {
    const counter = turns()
    const messages = Array.from({ length: 3_000 }, () => ({ role: 'user', content: 'x'.repeat(10_000) }))
    const body = await bodyInTurns({ messages }, (_, value) => writeJson(value), counter.turn)
    expect(textOf(body.bytes)).toBe(JSON.stringify({ messages }))
    expect(counter.count).toBe(8)
  })
})
