import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { streamRequest, textOf } from '../test/call.ts'
import { handTransport } from '../test/hand-transport.ts'
import { anthropic, preamble } from '../test/wire-samples.ts'
import { attempt } from './attempt.ts'

function begun(stream = true) {
  const clock = virtualClock()
  const wire = handTransport()
  const answer = attempt(wire.transport)(streamRequest({ clock, stream }))
  return { clock, wire, answer }
}

describe("the vendor's request id, where an answer has begun and fails", () => {
  it('is in the failure of a stream that stalls before its first content, and in what the caller gets', async () => {
    const { clock, wire, answer } = begun()
    wire.streamHeaders()
    wire.text(anthropic.start)
    await clock.advance(600_000)
    const response = await answer
    expect(response).toMatchObject({ failure: { kind: 'timeout', requestId: 'req_1' } })
    expect(response.headers['request-id']).toBe('req_1')
    expect(JSON.parse(await textOf(response))).toMatchObject({ request_id: 'req_1' })
  })

  it('is in the outcome of a stream that breaks after its first content', async () => {
    const { wire, answer } = begun()
    wire.streamHeaders()
    wire.text(preamble, anthropic.text('Hello'))
    const response = await answer
    wire.sink.error(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    await textOf(response).catch(() => {})
    expect((await response.outcome).failure).toMatchObject({ kind: 'connection', requestId: 'req_1' })
  })

  it('is in the failure of an error event that names none', async () => {
    const { wire, answer } = begun()
    wire.streamHeaders()
    wire.text(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    )
    expect((await answer).failure).toMatchObject({ kind: 'overloaded', requestId: 'req_1' })
  })

  it('is in the failure of an error inside a 200', async () => {
    const { wire, answer } = begun(false)
    wire.jsonHeaders()
    wire.text('{"type":"error","error":{"type":"api_error","message":"Internal server error"}}')
    wire.sink.end()
    expect((await answer).failure).toMatchObject({ kind: 'server', requestId: 'req_1' })
  })

  it('is left out where no headers came', async () => {
    const { wire, answer } = begun()
    wire.sink.error(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
    expect((await answer).failure).not.toHaveProperty('requestId')
  })
})
