import type { Transcript } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { CallContents } from './call-contents.ts'

const said = (text: string): Transcript => ({
  id: undefined,
  blocks: [{ type: 'text', text, index: 0, isOpen: false }],
})
const prompt = (...texts: string[]) => ({
  messages: texts.map((content) => ({ role: 'user', content })),
})

describe('what calls said', () => {
  it('is the prompt and the answer of either protocol, without pictures and what tools are called with', () => {
    const contents = new CallContents()
    const blocks = [
      { type: 'text', text: 'look' },
      { type: 'image', source: { data: 'AAAA' } },
      { type: 'tool_result', content: [{ type: 'text', text: 'found' }] },
      null,
    ]
    contents.add('one', { system: 'Be brief.', messages: [{ role: 'user', content: blocks }, 7] }, said('ok'))
    expect(contents.of('one')).toEqual({
      messages: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'look\n[image]\nfound\n[unknown]' },
        { role: 'unknown', text: '' },
      ],
      answer: 'ok',
      isCut: false,
    })
    contents.add('two', { instructions: 'Be kind.', input: 'hello' }, undefined)
    expect(contents.of('two')).toEqual({
      messages: [
        { role: 'system', text: 'Be kind.' },
        { role: 'user', text: 'hello' },
      ],
      answer: null,
      isCut: false,
    })
  })

  it('is bounded by call: the answer and the newest messages stay', () => {
    const contents = new CallContents(1000)
    contents.add('long', prompt('x'.repeat(500), 'y'.repeat(800), 'last'), said('a'.repeat(300)))
    const { messages, answer, isCut } = contents.of('long') ?? {}
    expect([answer?.length, isCut]).toEqual([300, true])
    expect(messages?.map(({ text }) => text.length)).toEqual([696, 4])
    contents.add('wide', prompt('€'.repeat(1000)), undefined)
    expect(contents.of('wide')?.messages[0]?.text).toBe('€'.repeat(333))
    contents.add('many', prompt(...Array.from({ length: 100_000 }, () => '')), undefined)
    expect(contents.of('many')?.messages.length).toBeLessThan(16)
  })

  it('is bounded by count and by bytes: the oldest go', () => {
    const few = new CallContents(Infinity, { calls: 2, bytes: 1e6, bytesPerCall: 1000 })
    for (const id of ['a', 'b', 'a', 'c']) few.add(id, prompt('hi'), said(id))
    expect(['a', 'b', 'c'].map((id) => few.has(id))).toEqual([true, false, true])
    const small = new CallContents(Infinity, { calls: 100, bytes: 2500, bytesPerCall: 1000 })
    for (let index = 0; index < 50; index++)
      small.add(`call-${index % 7}`, prompt('x'.repeat(2000)), undefined)
    expect(Array.from({ length: 7 }, (_, index) => small.has(`call-${index}`)).filter(Boolean)).toHaveLength(
      2,
    )
  })
})
