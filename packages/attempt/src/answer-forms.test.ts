import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { settled, streamRequest, textOf } from '../test/call.ts'
import { handTransport } from '../test/hand-transport.ts'
import { anthropic, ending, message, preamble } from '../test/wire-samples.ts'
import { attempt } from './attempt.ts'

/** A call whose answer comes under this type. */
function begin(stream: boolean, type: string | undefined) {
  const wire = handTransport()
  const clock = virtualClock()
  const answer = attempt(wire.transport)(streamRequest({ clock, stream, keepTranscript: true }))
  wire.sink.headers(200, { ...(type && { 'content-type': type }), 'content-length': '9' })
  return { wire, clock, answer }
}

const types = ['application/json', 'text/plain', undefined, 'Text/Event-Stream', 'text/event-stream']
const streamed = preamble + anthropic.text('Hello') + ending

describe.each(types)('an answer under the type %s', (type) => {
  it.each([1, 7, 10_000])(
    'that is JSON comes as a stream where one was asked for, from chunks of %i',
    async (length) => {
      const { wire, clock, answer } = begin(true, type)
      for (let at = 0; at < message.length; at += length) wire.text(message.slice(at, at + length))
      expect(await settled(answer)).toBe('pending')
      wire.sink.end()
      const response = await answer
      expect(response.failure).toBeUndefined()
      expect(response.headers['content-type']).toMatch(/^text\/event-stream/)
      const text = await textOf(response)
      expect(text).toContain('"delta":{"type":"text_delta","text":"Hi"}')
      expect(text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n')).toBe(true)
      expect(response.transcript?.blocks).toMatchObject([{ type: 'text', text: 'Hi' }])
      expect(await response.outcome).toMatchObject({ stopReason: 'end_turn', usage: { outputTokens: 3 } })
      expect(clock.pending).toBe(0)
    },
  )

  it.each([1, 7, 10_000])(
    'that is a stream begins with its first content, from chunks of %i',
    async (length) => {
      const { wire, answer } = begin(true, type)
      const content = streamed.indexOf('event: content_block_stop')
      const say = (text: string): void => {
        for (let at = 0; at < text.length; at += length) wire.text(text.slice(at, at + length))
      }
      say(streamed.slice(0, content))
      const response = await answer
      expect(response.headers['content-type']).toMatch(/^text\/event-stream/)
      say(streamed.slice(content))
      expect(await textOf(response)).toBe(streamed)
    },
  )

  it('is put together where no stream was asked for, and passed on where it is JSON', async () => {
    for (const body of [streamed, message]) {
      const { wire, answer } = begin(false, type)
      wire.text(body)
      wire.sink.end()
      const response = await answer
      expect([response.failure, response.headers['content-type']]).toEqual([undefined, 'application/json'])
      expect(JSON.parse(await textOf(response))).toMatchObject({ id: 'msg_1', content: [{ type: 'text' }] })
    }
  })

  it.each(['<html>', 'error: no capacity', ''])('that is neither is malformed: %j', async (body) => {
    for (const stream of [true, false]) {
      const { wire, answer } = begin(stream, type)
      wire.text(body)
      wire.sink.end()
      expect((await answer).failure).toMatchObject({ retryable: true, kind: 'malformed' })
    }
  })
})

it('is bounded while nothing visible comes', async () => {
  const wire = handTransport()
  const answer = attempt(wire.transport)(streamRequest({ clock: virtualClock(), maxHeldBytes: 1_000 }))
  wire.sink.headers(200, { 'content-type': 'text/plain' })
  for (let sent = 0; !wire.aborted && sent < 2_000; sent++) wire.text(' ')
  expect((await answer).failure).toMatchObject({
    kind: 'malformed',
    message: 'the answer exceeds 1000 bytes',
  })
})
