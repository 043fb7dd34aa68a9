import type { Api } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { StreamReader } from './stream-reader.ts'
import { readWholeAnswer } from './whole-answer.ts'

const whole = (api: Api, body: object) =>
  readWholeAnswer({ api, operation: 'generate' }, 200, {}, Buffer.from(JSON.stringify(body)), 0)

const streamed = (api: Api, ...events: object[]) => {
  const reader = new StreamReader(api)
  for (const data of events) {
    const name = 'type' in data ? `event: ${data.type}\n` : ''
    reader.push(Buffer.from(`${name}data: ${JSON.stringify(data)}\n\n`))
  }
  return reader.state
}

const message = (content: object[], more: object = {}) => ({
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-5-5', content },
  stop_reason: 'refusal',
  stop_details: { type: 'refusal', category: 'cyber', explanation: 'private' },
  usage: { input_tokens: 412, output_tokens: 0, ...more },
})

const refusal = {
  kind: 'refusal',
  message: 'the model declined to answer (cyber)',
  code: 'cyber',
  retryable: false,
  scope: 'request',
  origin: 'upstream',
}

const start = { type: 'message_start', message: { model: 'claude-opus-5-5', usage: { input_tokens: 412 } } }
const textBlock = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }
const text = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'First' } }
const stop = (more: object = {}) => ({
  type: 'message_delta',
  delta: { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'cyber', explanation: null } },
  usage: { output_tokens: 3, ...more },
})
const end = { type: 'message_stop' }

describe('a message that declines', () => {
  it('is an answer and a refusal, by its category and without its explanation', () => {
    const answer = whole('anthropic', message([]))
    expect(answer).toMatchObject({ failure: undefined, stopReason: 'refusal', refusal })
    expect(JSON.stringify(answer)).not.toContain('private')
  })

  it('needs no details', () => {
    const { refusal: found } = whole('anthropic', { ...message([]), stop_details: null })
    expect(found).toMatchObject({ kind: 'refusal', message: 'the model declined to answer', code: undefined })
  })

  it.each([
    ['before any output is free', [], {}, 0],
    ['behind a seam between models alone is free', [{ type: 'fallback' }], {}, 0],
    ['after some output is billed', [{ type: 'text', text: 'First' }], {}, undefined],
    ['costs what a vendor says that it costs', [], { cost: 0.5 }, 0.5],
    ['of several models is billed by model', [], { iterations: [{}, {}] }, undefined],
  ])('%s', (_, content, more, cost) => {
    const { usage } = whole('anthropic', message(content, more))
    expect(usage).toMatchObject({ inputTokens: 412, estimated: false })
    expect(usage?.cost).toBe(cost)
  })

  it('in a stream is free before any output', () => {
    const state = streamed('anthropic', start, textBlock, stop(), end)
    expect(state).toMatchObject({ refusal, failure: undefined, hasEnded: true, usageIsFinal: true })
    expect(state.usage?.cost).toBe(0)
  })

  it('in a stream is billed after the first word', () => {
    const state = streamed('anthropic', start, textBlock, text, stop(), end)
    expect(state).toMatchObject({ refusal, usage: { inputTokens: 412, outputTokens: 3 } })
    expect(state.usage?.cost).toBeUndefined()
  })

  it('any other reason to stop is none', () => {
    const usual = { ...message([]), stop_reason: 'end_turn', stop_details: null }
    expect(whole('anthropic', usual).refusal).toBeUndefined()
  })

  it('the seam between two models does not begin an answer', () => {
    const seam = { type: 'content_block_start', index: 0, content_block: { type: 'fallback' } }
    expect(streamed('anthropic', start, seam)).toMatchObject({ hasContent: false, hasProgress: true })
  })
})

describe('a chat completion that declines', () => {
  const completion = (choice: object) => ({ model: 'gpt', choices: [{ index: 0, ...choice }], usage: {} })

  it.each([
    ['filtered', { finish_reason: 'content_filter', message: { content: '' } }],
    [
      'in the word of the vendor behind',
      { finish_reason: 'stop', native_finish_reason: 'refusal', message: {} },
    ],
    ['in its own field', { finish_reason: 'stop', message: { content: null, refusal: 'I cannot.' } }],
  ])('%s', (_, choice) => {
    expect(whole('openai', completion(choice))).toMatchObject({
      failure: undefined,
      refusal: { kind: 'refusal' },
    })
  })

  it.each([
    [
      'filtered',
      { delta: { content: 'So' }, finish_reason: null },
      { delta: {}, finish_reason: 'content_filter' },
    ],
    ['in its own field', { delta: { refusal: 'I ' } }, { delta: {}, finish_reason: 'stop' }],
    ['with nothing said', { delta: { role: 'assistant' } }, { delta: {}, finish_reason: 'content_filter' }],
  ])('as a stream, %s', (_, first, last) => {
    const state = streamed('openai', completion(first as object), completion(last as object))
    expect(state).toMatchObject({ failure: undefined, refusal: { kind: 'refusal' } })
  })

  it('a null in that field is none', () => {
    const choice = { finish_reason: 'stop', message: { content: 'Yes', refusal: null } }
    expect(whole('openai', completion(choice)).refusal).toBeUndefined()
  })
})

it('the end of a message that declines is kept back where that is asked for, however its bytes are cut', () => {
  const events = [start, textBlock, text, stop(), { type: 'ping' }, end]
  const bytes = Buffer.from(
    events.map((data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`).join(''),
  )
  const from = bytes.indexOf('event: message_delta')
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new StreamReader('anthropic', { holdRefusal: true })
    const out: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) out.push(reader.push(bytes.subarray(at, at + size)))
    expect(Buffer.concat(out).equals(bytes.subarray(0, from)), `pieces of ${size}`).toBe(true)
    expect(Buffer.from(reader.refusalBytes ?? []).equals(bytes.subarray(from)), `pieces of ${size}`).toBe(
      true,
    )
  }
})

it('nothing is kept back of other ends, nor of a refusal before any output', () => {
  for (const events of [
    [start, textBlock, text, { ...stop(), delta: { stop_reason: 'end_turn' } }, end],
    [start, textBlock, stop(), end],
  ]) {
    const reader = new StreamReader('anthropic', { holdRefusal: true })
    for (const data of events)
      reader.push(Buffer.from(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`))
    expect([reader.refusalBytes, reader.isComplete]).toEqual([undefined, true])
  }
})
