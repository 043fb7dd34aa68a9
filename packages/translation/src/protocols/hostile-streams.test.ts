import { StreamReader } from '@spillway/wire'
import { joinDetails } from '@spillway/wire/internal'
import { describe, expect, it } from 'vitest'
import { StreamTranslator } from './stream-translator.ts'

const named = (event: { type: string; [name: string]: unknown }): Buffer =>
  Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
const chunk = (delta: object): Buffer =>
  Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`)
const call = (index: number, args: string, name?: string): Buffer =>
  chunk({
    tool_calls: [
      {
        index,
        ...(name && { id: `call_${index}_of_many`, type: 'function' }),
        function: { name, arguments: args },
      },
    ],
  })
const hello = named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } })

/** How long something takes, in milliseconds. */
function timed(run: () => void): number {
  const begun = performance.now()
  run()
  return performance.now() - begun
}

describe('what stands in every chunk', () => {
  it.each(['id', 'model'])('is not as long as an upstream likes: %s', (name) => {
    const translator = new StreamTranslator('openai')
    const message = { id: 'msg_1', model: 'm', usage: {}, [name]: 'x'.repeat(1_000_000) }
    translator.push(named({ type: 'message_start', message }))
    expect(translator.push(hello).length).toBeLessThan(1_000)
  })

  it('is text', () => {
    const translator = new StreamTranslator('openai')
    const message = { id: { a: 1 }, model: { b: new Array(10_000).fill(0) } }
    translator.push(named({ type: 'message_start', message }))
    expect(translator.push(hello).length).toBeLessThan(1_000)
  })
})

describe('calls that come by turns', () => {
  it('are read once, however often they look whole', { retry: 2 }, () => {
    const translator = new StreamTranslator('anthropic')
    translator.push(call(0, '{"a":[', 'f'))
    translator.push(call(1, '{', 'g'))
    const piece = call(0, '{},{},{},{},{},{},{}'.repeat(4))
    // Parsed anew with each piece, this takes minutes.
    expect(
      timed(() => {
        for (let pieces = 0; pieces < 20_000; pieces++) translator.push(piece)
      }),
    ).toBeLessThan(8_000)
  })

  it.each([
    ['{"a":"}"}', true],
    ['{"a":"\\"}"', false],
    ['{"a":[1,{"b":2}]}', true],
    ['{"a":[1,{"b":2}]', false],
    ['  ', false],
  ])('wait until the first is whole, which %j is: %s', (args, isWhole) => {
    const translator = new StreamTranslator('anthropic')
    translator.push(call(0, args, 'f'))
    const out = Buffer.from(translator.push(call(1, '{}', 'g'))).toString()
    expect(out.includes('"name":"g"')).toBe(isWhole)
  })

  it.each([
    ['text for the second', () => call(1, 'a'.repeat(100_000)), 'too long'],
    ['calls', (at: number) => call(at + 1, '', 'g'), 'tool calls'],
    ['blocks', (at: number) => chunk(at % 2 === 0 ? { content: 'a' } : { reasoning: 'a' }), 'too long'],
    [
      'pieces of reasoning',
      () => chunk({ reasoning_details: new Array(1_000).fill({ type: 'x' }) }),
      'pieces',
    ],
  ])('do not let an upstream fill the memory with %s', (_what, next, message) => {
    const translator = new StreamTranslator('anthropic')
    translator.push(call(0, '{"a":', 'f'))
    expect(() => {
      for (let at = 0; at < 200_000; at++) translator.push(next(at))
    }).toThrow(new RegExp(message))
  })
})

it('pieces of reasoning are joined in time, whatever their indices', { retry: 2 }, () => {
  const pieces = Array.from({ length: 100_000 }, (_, index) => ({ type: 'reasoning.text', index, text: 'a' }))
  expect(timed(() => expect(joinDetails(pieces)).toHaveLength(100_000))).toBeLessThan(1_000)
})

describe('a transcript', () => {
  const start = (index: number) =>
    named({ type: 'content_block_start', index, content_block: { type: 'text', text: '' } })

  it.each([
    ['blocks', (at: number) => start(at)],
    [
      'text',
      () =>
        named({
          type: 'content_block_delta',
          index: 0,
          delta: { type: 'text_delta', text: 'a'.repeat(10_000) },
        }),
    ],
  ])('ends with an open block of another type where there are too many %s', (_what, next) => {
    const reader = new StreamReader('anthropic', { keepTranscript: true })
    reader.push(start(0))
    for (let at = 1; at < 20_000; at++) reader.push(next(at))
    const blocks = reader.transcript?.blocks ?? []
    expect(blocks.length).toBeLessThanOrEqual(10_001)
    expect(blocks.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(8 * 1024 * 1024)
    expect(blocks.at(-1)).toMatchObject({ type: 'other', isOpen: true })
  })

  it('finds its blocks in time, whichever of them goes on', { retry: 2 }, () => {
    const reader = new StreamReader('anthropic', { keepTranscript: true })
    for (let at = 9_000; at > 0; at--) reader.push(start(at))
    const delta = named({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'a' } })
    expect(
      timed(() => {
        for (let at = 0; at < 50_000; at++) reader.push(delta)
      }),
    ).toBeLessThan(2_000)
  })

  it('has an id only where that is one', () => {
    const reader = new StreamReader('anthropic', { keepTranscript: true })
    reader.push(named({ type: 'message_start', message: { id: 'x'.repeat(1_000_000) } }))
    expect(reader.transcript?.id).toBeUndefined()
  })
})
