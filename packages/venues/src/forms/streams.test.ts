import { type ResponseBody, StreamFailure } from '@spillway/middleware'
import { BodyChannel, bodyOf, readBody } from '@spillway/middleware/kit'
import { refusalFailure, renderErrorEvent } from '@spillway/wire'
import { bedrockFrame, bedrockFrames } from '@spillway/wire/internal'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventsToFrames, framesToEvents } from './index.ts'

const events = [
  'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","usage":{"input_tokens":7}}}\n\n',
  'event: ping\ndata: {"type":"ping"}\n\n',
  'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße 🙂"}}\n\n',
  'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
  'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12345678901234567890}}\n\n',
  'event: message_stop\ndata: {"type":"message_stop"}\n\n',
].join('')
const frames = Buffer.from(bedrockFrames(events))

/** A body in chunks that end at these places. */
function inChunks(bytes: Uint8Array, ends: readonly number[]): ResponseBody {
  const channel = new BodyChannel()
  let from = 0
  for (const to of [...ends, bytes.length]) {
    channel.push(bytes.subarray(from, to))
    from = to
  }
  channel.end()
  return channel
}

const read = async (body: ResponseBody): Promise<string> => Buffer.from(await readBody(body)).toString()

async function partsOf(body: ResponseBody): Promise<{ text: string; error: unknown }> {
  let text = ''
  try {
    for await (const chunk of body) text += Buffer.from(chunk).toString()
  } catch (error) {
    return { text, error }
  }
  return { text, error: undefined }
}

describe('frames and events', () => {
  it('say the same, cut at each byte', async () => {
    for (let at = 0; at <= frames.length; at++)
      expect(await read(framesToEvents(inChunks(frames, [at])))).toBe(events)
    const bytes = Buffer.from(events)
    for (let at = 0; at <= bytes.length; at++) {
      const made = await readBody(eventsToFrames(inChunks(bytes, [at])))
      expect(Buffer.from(made).equals(frames)).toBe(true)
    }
  })

  it('say the same in any chunks, there and back', async () => {
    const cuts = fc.array(fc.nat(frames.length), { maxLength: 20 }).map((list) => list.sort((a, b) => a - b))
    await fc.assert(
      fc.asyncProperty(cuts, async (ends) => {
        const there = framesToEvents(inChunks(frames, ends))
        expect(Buffer.from(await readBody(eventsToFrames(there))).equals(frames)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('keep JSON over several lines in one event', async () => {
    const frame = bedrockFrame('{\n"type":\r\n"ping"}')
    expect(await read(framesToEvents(bodyOf(frame)))).toBe('event: ping\ndata: { "type": "ping"}\n\n')
  })

  it('need no blank line behind the last event', async () => {
    const made = await readBody(eventsToFrames(bodyOf(Buffer.from(events.trimEnd()))))
    expect(Buffer.from(made).equals(frames)).toBe(true)
  })
})

describe('a stream that breaks off', () => {
  const first = events.slice(0, events.indexOf('event: ping'))
  const failure = refusalFailure({ kind: 'saturated', message: 'Oh' })

  it('has its exception as a failure, behind what came before', async () => {
    const exception = renderErrorEvent('anthropic', failure, { venue: 'bedrock' })
    const all = Buffer.concat([bedrockFrames(first), exception, bedrockFrames(events)])
    const { text, error } = await partsOf(framesToEvents(bodyOf(all)))
    expect(text).toBe(first)
    expect(error).toMatchObject({ failure: { kind: 'rate_limited', code: 'throttlingException' } })
  })

  it('has its error event as a failure in frames', async () => {
    const event = Buffer.from(renderErrorEvent('anthropic', failure)).toString()
    const { text, error } = await partsOf(eventsToFrames(bodyOf(Buffer.from(first + event + events))))
    expect(text).toBe(Buffer.from(bedrockFrames(first)).toString())
    expect(error).toMatchObject({ failure: { kind: 'rate_limited' }, eventBytes: undefined })
  })

  it.each([
    ['cut in a frame', frames.subarray(0, frames.length - 3), 'the stream ends within a frame'],
    ['damaged', Buffer.concat([bedrockFrames(first), frames.subarray(5)]), 'checksum'],
  ])('%s is malformed', async (_, bytes, message) => {
    const { text, error } = await partsOf(framesToEvents(bodyOf(bytes)))
    expect(text.startsWith(first)).toBe(true)
    expect(error).toMatchObject({ failure: { kind: 'malformed', message: expect.stringContaining(message) } })
  })

  it('keeps its failure and not the bytes of its error, which have another form', async () => {
    const channel = new BodyChannel()
    channel.push(bedrockFrames(first))
    channel.fail(new StreamFailure(failure, Buffer.from('frame')))
    const { text, error } = await partsOf(framesToEvents(channel))
    expect(text).toBe(first)
    expect(error).toMatchObject({ failure, eventBytes: undefined })
    const other = new BodyChannel()
    const reason = new Error('the caller left')
    other.fail(reason)
    expect(await partsOf(eventsToFrames(other))).toMatchObject({ error: reason })
  })
})

describe('a slow reader', () => {
  it('pauses the upstream and lets it go on, and stops it by leaving', () => {
    const seen: string[] = []
    const upstream = new BodyChannel({
      pause: () => seen.push('pause'),
      resume: () => seen.push('resume'),
      cancel: (reason) => seen.push(`cancel ${reason}`),
    })
    const body = framesToEvents(upstream)
    const long = bedrockFrame(`{"type":"ping","p":"${'x'.repeat(300_000)}"}`)
    upstream.push(long)
    expect(seen).toEqual(['pause'])
    let taken = 0
    body.pipe({
      write(chunk) {
        taken += chunk.length
        return true
      },
      end() {},
      fail() {},
    })
    expect(taken).toBeGreaterThan(300_000)
    expect(seen).toEqual(['pause', 'resume'])
    body.cancel('enough')
    upstream.push(long)
    expect(seen).toEqual(['pause', 'resume', 'cancel enough'])
  })
})
