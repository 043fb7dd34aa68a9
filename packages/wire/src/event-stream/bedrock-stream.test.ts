import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dialectStreams } from '../../test/dialect-streams.ts'
import { answerAsStream } from '../assembly/answer-stream.ts'
import { renderError, renderErrorEvent } from '../error-rendering.ts'
import { failureKinds } from '../failure-kinds.ts'
import { refusalFailure } from '../refusal.ts'
import { StreamReader } from '../stream-reader.ts'
import { bedrockFrame, bedrockFrames } from './bedrock-frames.ts'
import { encodeFrame } from './encode-frame.ts'

const reader = (): StreamReader => new StreamReader('anthropic', { venue: 'bedrock', keepTranscript: true })
const messages = dialectStreams.filter(({ api }) => api === 'anthropic')
const exception = (name: string, body: object): Uint8Array =>
  encodeFrame({ ':message-type': 'exception', ':exception-type': name }, Buffer.from(JSON.stringify(body)))
const start =
  '{"type":"message_start","message":{"id":"msg_1","model":"claude-opus-5","usage":{"input_tokens":7}}}'
const opened = '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
const text = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}'

describe.each(messages)('a stream of $name in frames', ({ answer }) => {
  const all = Buffer.from(bedrockFrames(answer))

  it('is whole at its last byte, and cut at each before', () => {
    const read = reader()
    for (let at = 0; at < all.length; at++) {
      if (read.isComplete || read.state.failure) throw new Error(`over at ${at} of ${all.length}`)
      read.push(all.subarray(at, at + 1))
    }
    expect([read.isComplete, read.state.failure]).toEqual([true, undefined])
  })

  it('says what it says in events, in any chunking, and comes out unchanged', () => {
    const plain = new StreamReader('anthropic', { keepTranscript: true })
    plain.push(Buffer.from(answer.endsWith('\n\r') || answer.endsWith('\r') ? `${answer}\n` : answer))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 9 }), (lengths) => {
        const read = reader()
        const out: Uint8Array[] = []
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const next = at + (lengths[turn % lengths.length] as number)
          out.push(read.push(all.subarray(at, next)))
          at = next
        }
        expect(Buffer.concat(out).equals(all)).toBe(true)
        expect(read.state).toEqual(plain.state)
        expect(read.transcript?.blocks).toEqual(plain.transcript?.blocks)
      }),
      { numRuns: 20 },
    )
  })

  it('is found damaged wherever a bit has changed, and whole frames before that come out', () => {
    const borders = [0]
    for (let at = 0; at < all.length; at += all.readUInt32BE(at)) borders.push(at + all.readUInt32BE(at))
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(all)
        damaged[at] = (damaged[at] as number) ^ (1 << bit)
        const read = reader()
        const out = read.push(damaged)
        const frame = borders.filter((border) => border <= at).at(-1) as number
        expect(out.length).toBe(frame)
        expect([read.isComplete, read.state.failure?.kind]).toEqual([false, 'malformed'])
      }),
      { numRuns: 60 },
    )
  })
})

describe('a frame', () => {
  it('of an impossible length is found before anything is kept for it', () => {
    for (const [length, headers] of [
      [0xffff_ffff, 0],
      [16, 0xffff_ffff],
      [12, 0],
      [64, 60],
      [40_000_000, 0],
    ]) {
      const valid = Buffer.from(encodeFrame({}, Buffer.alloc(0)))
      valid.writeUInt32BE(length as number, 0)
      valid.writeUInt32BE(headers as number, 4)
      const prelude = valid.subarray(0, 8)
      const sealed = Buffer.concat([prelude, crcOf(prelude), valid.subarray(12)])
      const read = reader()
      read.push(sealed)
      expect(read.state.failure?.message).toBe('a frame has an impossible length')
    }
  })

  it('that no client reads is passed over: of another type, or a chunk without a type', () => {
    const read = reader()
    const other = encodeFrame({ ':message-type': 'event', ':event-type': 'news' }, Buffer.from('x'))
    const bytes = Buffer.concat([other, bedrockFrame('{"p":1}'), bedrockFrame(start)])
    expect(Buffer.from(read.push(bytes)).equals(bytes)).toBe(true)
    expect(read.state).toMatchObject({ failure: undefined, model: 'claude-opus-5' })
  })

  it.each([
    ['no JSON', encodeFrame({ ':event-type': 'chunk', ':message-type': 'event' }, Buffer.from('x'))],
    ['no bytes', encodeFrame({ ':event-type': 'chunk', ':message-type': 'event' }, Buffer.from('{}'))],
    ['bytes that are no event', bedrockFrame('{"type":"content_block_delta",')],
    ['bytes that are no JSON', bedrockFrame('hello')],
    ['headers of no known type', withHeaders(Buffer.from([1, 0x61, 12, 0]))],
    ['headers that are too short', withHeaders(Buffer.from([1, 0x61, 7, 0, 9, 0x62]))],
  ])('with %s makes no sense', (_name, frame) => {
    const read = reader()
    read.push(Buffer.concat([bedrockFrame(start), frame]))
    expect(read.state.failure?.kind).toBe('malformed')
  })

  it('holds back nothing before content, and has content with the first text', () => {
    const read = reader()
    read.push(Buffer.concat([bedrockFrame(start), bedrockFrame(opened)]))
    expect(read.state).toMatchObject({ hasContent: false, hasProgress: true })
    read.push(bedrockFrame(text))
    expect(read.state).toMatchObject({ hasContent: true, contentBytes: 2, usage: { inputTokens: 7 } })
  })
})

describe('an exception in a stream', () => {
  it.each([
    ['throttlingException', { message: 'Too many' }, 'rate_limited', true],
    ['serviceUnavailableException', { message: 'Away' }, 'overloaded', true],
    ['internalServerException', { message: 'Oh' }, 'server', true],
    ['modelTimeoutException', { message: 'Slow' }, 'timeout', true],
    ['modelStreamErrorException', { message: 'Oh', originalStatusCode: 500 }, 'server', true],
    ['validationException', { message: 'Bad' }, 'invalid_request', false],
    ['somethingNew', {}, 'server', true],
  ])('%s is a failure, and its bytes are kept apart', (name, body, kind, retryable) => {
    const before = Buffer.concat([bedrockFrame(start), bedrockFrame(text)])
    const frame = Buffer.from(exception(name, body))
    const read = reader()
    expect(Buffer.from(read.push(Buffer.concat([before, frame, bedrockFrame(text)]))).equals(before)).toBe(
      true,
    )
    expect(read.state.failure).toMatchObject({ kind, retryable, code: name, origin: 'upstream' })
    expect(Buffer.from(read.failureBytes ?? []).equals(frame)).toBe(true)
    expect(JSON.parse(read.state.failureData ?? '')).toEqual({
      message: 'message' in body ? body.message : name,
    })
  })

  it('may be an unmodelled error, and an error of Anthropic in a chunk', () => {
    const read = reader()
    const headers = {
      ':message-type': 'error',
      ':error-code': 'internalServerException',
      ':error-message': 'Oh',
    }
    read.push(encodeFrame(headers, Buffer.alloc(0)))
    expect(read.state.failure).toMatchObject({ kind: 'server', message: 'Oh' })
    const other = reader()
    other.push(bedrockFrame('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'))
    expect(other.state.failure).toMatchObject({ kind: 'overloaded', code: 'overloaded_error' })
    expect(other.state.failureData).toBe('{"message":"Overloaded"}')
  })
})

describe('an error of ours', () => {
  it.each(Object.keys(failureKinds) as (keyof typeof failureKinds)[])(
    '(%s) is read back as its like',
    (kind) => {
      const read = reader()
      read.push(renderErrorEvent('anthropic', refusalFailure({ kind, message: 'Oh' }), { venue: 'bedrock' }))
      expect(read.state.failure?.message).toBe('Oh')
      const { status, headers, body } = renderError(
        'anthropic',
        refusalFailure({ kind, message: 'Oh' }),
        'bedrock',
      )
      expect(headers['x-amzn-errortype']).toMatch(/^[A-Z]\w+Exception$/)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(Buffer.from(body).toString()).toBe('{"message":"Oh"}')
      expect(read.state.failure?.retryable).toBe(status === 408 || status === 429 || status >= 500)
    },
  )
})

it('a whole answer becomes a stream in frames', () => {
  const answer =
    '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"output_tokens":2}}'
  const read = reader()
  read.push(answerAsStream('anthropic', Buffer.from(answer), false, 'bedrock') as Uint8Array)
  expect(read).toMatchObject({ isComplete: true, state: { stopReason: 'end_turn' } })
})

function crcOf(bytes: Uint8Array): Buffer {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  const out = Buffer.alloc(4)
  out.writeUInt32BE((crc ^ -1) >>> 0)
  return out
}

/** A frame whose headers are these bytes, with the right checksums. */
function withHeaders(headers: Uint8Array): Uint8Array {
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(16 + headers.length, 0)
  lengths.writeUInt32BE(headers.length, 4)
  const head = Buffer.concat([lengths, crcOf(lengths), headers])
  return Buffer.concat([head, crcOf(head)])
}
