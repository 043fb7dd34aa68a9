import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  dialectStreams,
  itemEvents,
  responseObject,
  responsesStream,
  responsesUsageSaid,
} from '../test/dialect-streams.ts'
import { StreamReader } from './stream-reader.ts'

/** How a stream is told that was cut where some proxies put an end of their own. */
const forged = {
  anthropic: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  openai: 'data: [DONE]\n\n',
  responses: 'data: [DONE]\n\n',
}

describe.each(dialectStreams)('a stream of $name', ({ api, answer, more }) => {
  const whole = Buffer.from(answer)
  const all = Buffer.from(answer + more)
  const reader = (bytes: Uint8Array): StreamReader => {
    const read = new StreamReader(api)
    read.push(bytes)
    return read
  }

  it('is whole at its true end and behind it, and cut at every byte before', () => {
    const read = new StreamReader(api)
    for (let at = 0; at < all.length; at++) {
      expect([at, read.isComplete]).toEqual([at, at >= whole.length])
      read.push(all.subarray(at, at + 1))
    }
    expect([read.isComplete, read.state.failure]).toEqual([true, undefined])
  })

  it('is so in any chunking', () => {
    const cut = fc.tuple(fc.nat({ max: all.length }), fc.infiniteStream(fc.integer({ min: 1, max: 200 })))
    fc.assert(
      fc.property(cut, ([end, lengths]) => {
        const read = new StreamReader(api)
        for (let at = 0; at < end; ) {
          const length = lengths.next().value as number
          read.push(all.subarray(at, Math.min(end, at + length)))
          at += length
        }
        expect(read.isComplete).toBe(end >= whole.length)
      }),
      { numRuns: 30 },
    )
  })

  it('is not whole where the end behind a cut is forged: an open call would be run', () => {
    const borders = [...answer.matchAll(/(?:\r?\n){2}/g)].map(({ index, 0: { length } }) =>
      Buffer.byteLength(answer.slice(0, index + length)),
    )
    for (const at of borders.slice(0, -1)) {
      const read = reader(Buffer.concat([all.subarray(0, at), Buffer.from(forged[api])]))
      // With the reason for its end, and no open block, only the event that says so was missing.
      const lacksEndAlone = api === 'anthropic' && read.state.stopReason !== undefined
      // Between two blocks a message of Anthropic's has no mark of a cut.
      const lacksReasonAlone = api === 'anthropic' && read.state.hasContent && read.state.openBlocks === 0
      if (!lacksEndAlone && !lacksReasonAlone) expect([at, read.isComplete]).toEqual([at, false])
    }
  })
})

describe('a generated stream', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 })
  const calls = fc.record({ index: fc.nat(2), function: fc.record({ name: text, arguments: text }) })
  const delta = fc.oneof(
    fc.record({ content: text }),
    fc.record({ reasoning_content: text }),
    fc.record({ content: fc.constant(null), refusal: text }),
    fc.record({ tool_calls: fc.array(calls, { minLength: 1, maxLength: 2 }) }),
  )
  const choice = fc.record({ index: fc.nat(2), delta, finish_reason: fc.constantFrom(null, '') })
  const chat = fc
    .record({ choices: fc.array(choice, { minLength: 1, maxLength: 8 }), isSpaced: fc.boolean() })
    .map(({ choices, isSpaced }) => {
      const ends = [...new Set(choices.map(({ index }) => index))].map((index) => ({
        ...{ index, delta: {}, finish_reason: 'stop' },
      }))
      const chunks = [...choices, ...ends].map((each) => JSON.stringify({ id: 'c', choices: [each] }))
      return chunks.map((each) => `data: ${isSpaced ? each.replaceAll('":', '": ') : each}\n\n`).join('')
    })

  const block = fc.oneof(
    fc.record({
      content_block: fc.constant({ type: 'text', text: '' }),
      delta: fc.record({ type: fc.constant('text_delta'), text }),
    }),
    fc.record({
      content_block: fc
        .constantFrom('tool_use', 'server_tool_use')
        .map((type) => ({ type, id: 't', name: 'n', input: {} })),
      delta: fc.record({ type: fc.constant('input_json_delta'), partial_json: text }),
    }),
  )
  const message = fc.array(block, { maxLength: 4 }).map((blocks) =>
    [
      { type: 'message_start', message: {} },
      ...blocks.flatMap(({ content_block, delta }, index) => [
        { type: 'content_block_start', index, content_block },
        { type: 'content_block_delta', index, delta },
        { type: 'content_block_stop', index },
      ]),
      { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
      { type: 'message_stop' },
    ]
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join(''),
  )

  const item = fc.record({
    kind: fc.constantFrom(
      'output_text',
      'refusal',
      'function_call_arguments',
      'reasoning_text',
      'mcp_call_arguments',
    ),
    pieces: fc.array(text, { maxLength: 3 }),
  })
  const responses = fc
    .record({ items: fc.array(item, { maxLength: 4 }), end: fc.constantFrom('completed', 'incomplete') })
    .map(({ items, end }) =>
      responsesStream(
        ...[{ type: 'response.created', response: responseObject('in_progress') }],
        ...items.flatMap(({ kind, pieces }, at) =>
          itemEvents(
            at,
            { type: 'message' },
            pieces.map((piece) => ({ type: `response.${kind}.delta`, delta: piece })),
            { type: 'message', content: [{ type: 'output_text', text: pieces.join('') }] },
          ),
        ),
        ...[{ type: `response.${end}`, response: responseObject(end, { usage: responsesUsageSaid }) }],
      ),
    )

  it.each([
    ['openai', chat],
    ['anthropic', message],
    ['responses', responses],
  ] as const)('of %s is whole at its last byte, and cut at each before', (api, streams) => {
    fc.assert(
      fc.property(streams, (stream) => {
        const read = new StreamReader(api)
        const bytes = Buffer.from(stream)
        bytes.forEach((byte, at) => {
          if (read.isComplete) throw new Error(`whole at ${at} of ${bytes.length}`)
          read.push(Uint8Array.of(byte))
        })
        expect([read.isComplete, read.state.failure]).toEqual([true, undefined])
      }),
      { numRuns: 60 },
    )
  })
})
