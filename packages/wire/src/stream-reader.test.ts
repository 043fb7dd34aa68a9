import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamReader } from './stream-reader.ts'

const utf8 = (text: string): Buffer => Buffer.from(text)
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString()

const start = 'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-opus-5-5"}}\n\n'
const delta =
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'
const error =
  'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
const stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
const lastDelta =
  'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}\n\n'

describe('an error event', () => {
  it('is kept apart: what comes out ends before it', () => {
    const reader = new StreamReader('anthropic')
    expect(text(reader.push(utf8(start + delta + error)))).toBe(start + delta)
    expect(text(reader.failureBytes)).toBe(error)
    expect(reader.state.failure).toMatchObject({ kind: 'overloaded', retryable: true })
    expect(reader.state.failureData).toBe(
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
    )
  })

  it('is kept apart alone, without what follows it, in any chunking', () => {
    const bytes = utf8(start + delta + error + stop)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const reader = new StreamReader('anthropic')
        const borders = [0, ...cuts, bytes.length].sort((a, b) => a - b)
        const out = borders
          .slice(1)
          .map((border, i) => Buffer.from(reader.push(bytes.subarray(borders[i], border))))
        expect(Buffer.concat(out).toString()).toBe(start + delta)
        expect(text(reader.failureBytes)).toBe(error)
        expect(reader.rest()).toHaveLength(0)
      }),
    )
  })

  it('lets nothing out after it', () => {
    const reader = new StreamReader('anthropic')
    reader.push(utf8(error))
    expect(reader.push(utf8(delta + stop))).toHaveLength(0)
    expect(reader.state.hasContent).toBe(false)
    expect(reader.isComplete).toBe(false)
  })

  it('leaves the first failure in place', () => {
    const reader = new StreamReader('anthropic')
    reader.push(utf8(error + error.replaceAll('overloaded_error', 'api_error')))
    expect(reader.state.failure?.kind).toBe('overloaded')
  })
})

describe('an event that is not JSON', () => {
  it.each([
    ['anthropic', start, 'event: content_block_delta\ndata: {"type":"content_bl\n\n'],
    ['openai', ': ping\n\n', 'data: {"choices":[{"del\n\n'],
  ] as const)(
    'fails a stream of %s, and comes out neither as an answer nor as an error event',
    (api, good, bad) => {
      const reader = new StreamReader(api)
      expect(text(reader.push(utf8(good + bad)))).toBe(good)
      expect(reader.state.failure).toMatchObject({ kind: 'malformed', retryable: true })
      expect(reader.failureBytes).toBeUndefined()
      expect(reader.state.failureData).toBeUndefined()
    },
  )
})

describe('bytes', () => {
  it('come out unchanged where nothing fails, the incomplete end as rest where it is whole', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(300), { maxLength: 6 }),
        (noise, cuts) => {
          const reader = new StreamReader('anthropic')
          const bytes = Buffer.concat([utf8(start + delta), noise])
          const borders = [0, ...cuts, bytes.length]
            .map((at) => Math.min(at, bytes.length))
            .sort((a, b) => a - b)
          const out = borders.slice(1).map((border, i) => reader.push(bytes.subarray(borders[i], border)))
          const whole = Buffer.concat(out)
          expect(bytes.subarray(0, whole.length).equals(whole)).toBe(true)
          const rest = reader.rest()
          if (rest.length > 0) expect(Buffer.concat([whole, rest]).equals(bytes)).toBe(true)
        },
      ),
    )
  })
})

describe('the rest', () => {
  it.each([
    ['data: [DONE]', true],
    ['data: [DONE]\n', true],
    [': keep-alive', true],
    ['data: {"choices":[]}', true],
    ['data: {"choices":[{"del', false],
    ['event: message_sto', false],
  ])('%j is passed on: %s', (end, isPassed) => {
    const reader = new StreamReader('openai')
    const last = 'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
    reader.push(utf8(`${last}${end}`))
    expect(Buffer.from(reader.rest()).toString()).toBe(isPassed ? end : '')
  })
})

describe('completeness', () => {
  function isComplete(api: 'anthropic' | 'openai', ...events: string[]): boolean {
    const reader = new StreamReader(api)
    for (const event of events) reader.push(utf8(event))
    return reader.isComplete
  }
  const chunk = (finish: string | null): string =>
    `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":${JSON.stringify(finish)}}]}\n\n`

  it('comes with message_stop at Anthropic, and not with the stop reason', () => {
    expect(isComplete('anthropic', start, delta, lastDelta)).toBe(false)
    expect(isComplete('anthropic', start, delta, lastDelta, stop)).toBe(true)
  })

  it('does not come with [DONE] alone at OpenAI, which proxies put behind what was cut', () => {
    expect(isComplete('openai', chunk(null))).toBe(false)
    expect(isComplete('openai', chunk(null), 'data: [DONE]\n\n')).toBe(false)
    expect(isComplete('openai', chunk(''), 'data: [DONE]\n\n')).toBe(false)
  })

  it('comes with a finish reason at OpenAI, where [DONE] never does', () => {
    expect(isComplete('openai', chunk('stop'))).toBe(true)
  })

  it('does not come with an end that nothing went before', () => {
    expect(isComplete('openai', 'data: [DONE]\n\n')).toBe(false)
    expect(isComplete('anthropic', start, stop)).toBe(false)
  })

  it('comes with a refusal without content', () => {
    expect(isComplete('anthropic', start, lastDelta.replace('end_turn', 'refusal'), stop)).toBe(true)
  })
})

describe('behind the end of the answer', () => {
  const stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
  const hello =
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'
  const more = `${hello}: comment\n\n${stop}event: error\ndata: {"type":"error","error":{"type":"api_error"}}\n\nhalf`

  it.each([1, 7, 1_000])('nothing comes out and nothing is read, in pieces of %i bytes', (size) => {
    const bytes = Buffer.from(hello + stop + more)
    const reader = new StreamReader('anthropic')
    const out: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size)
      out.push(Buffer.from(reader.push(bytes.subarray(at, at + size))))
    out.push(reader.rest())
    expect(Buffer.concat(out).toString()).toBe(hello + stop)
    expect(reader.state).toMatchObject({ hasEnded: true, failure: undefined, contentEvents: 1 })
    expect(reader.isComplete).toBe(true)
  })

  it('nothing is kept, however much it is', () => {
    const reader = new StreamReader('openai')
    reader.push(Buffer.from('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\ndata: '))
    const piece = Buffer.alloc(1024 * 1024, 0x61)
    for (let pieces = 0; pieces < 40; pieces++) expect(reader.push(piece)).toHaveLength(0)
    expect(reader.rest()).toHaveLength(0)
  })
})
