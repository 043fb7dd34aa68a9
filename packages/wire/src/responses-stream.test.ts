import { StreamFailure } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import {
  itemEvents,
  type NamedEvent,
  responseObject,
  responsesItems,
  responsesStream,
  responsesUsageSaid,
} from '../test/dialect-streams.ts'
import { closingBytes } from './closing-bytes.ts'
import { renderError, renderErrorEvent } from './error-rendering.ts'
import { refusalFailure } from './refusal.ts'
import { StreamReader } from './stream-reader.ts'
import { truncatedFailure } from './transport-failure.ts'
import { readWholeAnswer } from './whole-answer.ts'

const created = { type: 'response.created', response: responseObject('in_progress') }

function read(...events: readonly NamedEvent[]): StreamReader {
  const reader = new StreamReader('responses', { keepTranscript: true, assemble: true })
  reader.push(Buffer.from(responsesStream(...events)))
  return reader
}

describe('a stream of OpenAI Responses', () => {
  it.each([
    ['a delta of text', { type: 'response.output_text.delta', delta: 'H' }],
    ['a delta of a refusal', { type: 'response.refusal.delta', delta: 'No' }],
    ['a delta of a summary', { type: 'response.reasoning_summary_text.delta', delta: 'Hm' }],
    ['a delta of reasoning', { type: 'response.reasoning_text.delta', delta: 'Hm' }],
    ['a delta of arguments', { type: 'response.function_call_arguments.delta', delta: '{' }],
    ['a delta of free input', { type: 'response.custom_tool_call_input.delta', delta: '*** Begin' }],
    ['an image', { type: 'response.image_generation_call.partial_image', partial_image_b64: 'iVBO' }],
    [
      'a whole call',
      { type: 'response.output_item.added', item: { type: 'function_call', arguments: '{}' } },
    ],
    [
      'sealed reasoning',
      { type: 'response.output_item.added', item: { type: 'reasoning', encrypted_content: 'gA' } },
    ],
    [
      'a part with its text',
      { type: 'response.content_part.added', part: { type: 'output_text', text: 'H' } },
    ],
    ['a text without deltas', { type: 'response.output_text.done', text: 'Hello' }],
  ])('has content with %s', (_name, event) => {
    expect(read(created).state.hasContent).toBe(false)
    expect(read(created, event).state).toMatchObject({ hasContent: true, hasProgress: true })
  })

  it.each(['computer_call', 'local_shell_call', 'shell_call', 'apply_patch_call', 'mcp_approval_request'])(
    'has content with a whole %s, which asks the client to do something',
    (type) => {
      const done = { type: 'response.output_item.done', item: { type, id: 'item_1' } }
      expect(read(created, done).state.hasContent).toBe(true)
    },
  )

  it.each([
    ['response.in_progress', { response: responseObject('in_progress') }, false],
    ['keepalive', {}, false],
    ['response.output_item.added', { item: { type: 'message', content: [] } }, true],
    ['response.output_item.added', { item: { type: 'reasoning', summary: [] } }, true],
    ['response.web_search_call.searching', {}, true],
    ['response.output_item.done', { item: { type: 'web_search_call', action: { query: 'q' } } }, true],
    ['response.output_text.delta', { delta: '' }, true],
  ])('has none with %s %j, and progress: %s', (type, fields, hasProgress) => {
    expect(read(created, { type, ...fields }).state).toMatchObject({ hasContent: false, hasProgress })
  })

  it.each([{}, { output: null }, { output: [] }])(
    'ends well where its end does not repeat the items: %j',
    (more) => {
      const response = responseObject('completed', { usage: responsesUsageSaid, output: undefined })
      const { state, isComplete } = read(created, ...responsesItems, {
        type: 'response.completed',
        response: { ...response, ...more },
      })
      expect(isComplete).toBe(true)
      expect(state).toMatchObject({ failure: undefined, stopReason: 'completed', usageIsFinal: true })
    },
  )

  it('tells usage, model, id and why it ends', () => {
    const response = responseObject('completed', { usage: responsesUsageSaid, model: 'gpt-5.5-2026' })
    const { state, transcript, isComplete } = read(...responsesItems, {
      type: 'response.completed',
      response,
    })
    expect(isComplete).toBe(true)
    expect(state).toMatchObject({ stopReason: 'completed', model: 'gpt-5.5-2026', usageIsFinal: true })
    expect(state.usage).toMatchObject({
      inputTokens: 10,
      cacheReadTokens: 30,
      outputTokens: 15,
      reasoningTokens: 6,
    })
    expect(transcript?.id).toBe('resp_1')
    expect(transcript?.blocks.map(({ type, text, isOpen }) => [type, text, isOpen])).toEqual([
      ['thinking', '', false],
      ['text', 'Hé {"error":1}', false],
      ['tool', '', false],
    ])
  })

  it('may be cut off by its limit, or by a filter', () => {
    const ended = (reason: string): StreamReader =>
      read(...responsesItems, {
        type: 'response.incomplete',
        response: responseObject('incomplete', { incomplete_details: { reason } }),
      })
    expect(ended('max_output_tokens')).toMatchObject({
      isComplete: true,
      state: { stopReason: 'max_output_tokens' },
    })
    expect(ended('max_output_tokens').state.refusal).toBeUndefined()
    expect(ended('content_filter').state.refusal).toMatchObject({ kind: 'refusal' })
  })

  it('passes nothing on behind its end', () => {
    const end = { type: 'response.completed', response: responseObject('completed') }
    const stream = responsesStream(...responsesItems, end)
    const reader = new StreamReader('responses')
    expect(Buffer.from(reader.push(Buffer.from(`${stream}data: [DONE]\n\n`))).toString()).toBe(stream)
  })

  it('makes the answer that it would have been, also where the last event leaves its items out', () => {
    const end = (output: object[]) => ({
      type: 'response.completed',
      response: responseObject('completed', { output }),
    })
    const item = { id: 'm', type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }
    const items = itemEvents(
      0,
      { ...item, content: [] },
      [{ type: 'response.output_text.delta', delta: 'Hi' }],
      item,
    )
    for (const output of [[], [item]])
      expect(JSON.parse(read(created, ...items, end(output)).assembled() ?? '')).toEqual(
        responseObject('completed', { output: [item] }),
      )
  })
})

describe('a call that a stream of OpenAI Responses leaves open', () => {
  const opened = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'rm', arguments: '' }
  const half = [
    created,
    { type: 'response.output_item.added', output_index: 0, item: opened },
    { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"path":"/tm' },
  ]
  const ended = (status: string, output: object[] = []): NamedEvent => ({
    type: `response.${status}`,
    response: responseObject(status, { output }),
  })
  const call = (args: string): object => ({ ...opened, arguments: args })

  it.each([
    ['without it', ended('completed')],
    ['with the half of it', ended('completed', [call('{"path":"/tm')])],
    ['with something else', ended('completed', [{ type: 'message', content: [] }])],
  ])('is no answer with an end %s', (_name, end) => {
    const reader = new StreamReader('responses')
    const stream = responsesStream(...half)
    expect(Buffer.from(reader.push(Buffer.from(responsesStream(...half, end)))).toString()).toBe(stream)
    expect(reader.isComplete).toBe(false)
  })

  it.each([
    ['an end that has all of it', [ended('completed', [call('{"path":"/tmp"}')])]],
    ['an end that says that it is incomplete', [ended('incomplete', [call('{"path":"/tm')])]],
    ['its arguments', [{ type: 'response.function_call_arguments.done' }, ended('completed')]],
    ['its item', [{ type: 'response.output_item.done', item: call('{}') }, ended('completed')]],
  ])('is whole with %s', (_name, events) => {
    expect(read(...half, ...events).isComplete).toBe(true)
  })

  it('may have any text where it is no function', () => {
    const custom = { type: 'custom_tool_call', name: 'patch', input: '' }
    const added = { type: 'response.output_item.added', output_index: 0, item: custom }
    expect(read(created, added, ended('completed')).isComplete).toBe(false)
    const end = ended('completed', [{ ...custom, input: '*** Begin' }])
    expect(read(created, added, end).isComplete).toBe(true)
  })
})

describe('a stream of OpenAI Responses that fails', () => {
  const message = 'Rate limit reached. Please try again in 1.898s. Visit …'

  it.each([
    ['server_error', 'server', true],
    ['rate_limit_exceeded', 'rate_limited', true],
    ['server_is_overloaded', 'overloaded', true],
    ['slow_down', 'overloaded', true],
    ['vector_store_timeout', 'timeout', true],
    ['insufficient_quota', 'billing', false],
    ['usage_not_included', 'billing', false],
    ['context_length_exceeded', 'invalid_request', false],
    ['invalid_prompt', 'invalid_request', false],
    ['image_too_large', 'invalid_request', false],
    ['bio_policy', 'refusal', false],
  ])(
    'with %s is %s (retryable: %s), as an event of either kind and as a whole answer',
    (code, kind, retryable) => {
      const error = { code, message }
      const failed = { type: 'response.failed', response: responseObject('failed', { error }) }
      const kinds = { kind, retryable, code }
      expect(read(created, failed).state.failure).toMatchObject(kinds)
      expect(read(created, { type: 'error', ...error, param: null }).state.failure).toMatchObject(kinds)
      expect(read(created, { type: 'error', error: { type: 'x', ...error } }).state.failure).toMatchObject({
        kind,
      })
      const bytes = Buffer.from(JSON.stringify(responseObject('failed', { error })))
      const answer = readWholeAnswer({ api: 'responses', operation: 'generate' }, 200, {}, bytes, 0)
      expect(answer).toMatchObject({ failure: kinds, isErrorBody: true })
    },
  )

  it('says what it has used, streamed or not', () => {
    const error = { code: 'server_error', message }
    const response = responseObject('failed', { error, usage: responsesUsageSaid })
    const { state } = read(...responsesItems, { type: 'response.failed', response })
    expect(state).toMatchObject({ usage: { outputTokens: 15 }, usageIsFinal: true, stopReason: 'failed' })
    const bytes = Buffer.from(JSON.stringify(response))
    const whole = readWholeAnswer({ api: 'responses', operation: 'generate' }, 200, {}, bytes, 0)
    expect(whole).toMatchObject({ failure: { kind: 'server' }, usage: { outputTokens: 15 } })
  })

  it('may have its error beside the response', () => {
    const response = responseObject('failed', { error: null })
    const error = { type: 'server_error', code: 'rate_limit_exceeded', message }
    const { state } = read(created, { type: 'response.failed', response, error })
    expect(state.failure).toMatchObject({ kind: 'rate_limited', message })
    expect(JSON.parse(state.failureData ?? '')).toEqual({ error })
  })

  it('says in its words how long to wait', () => {
    const limited = read(created, { type: 'error', code: 'rate_limit_exceeded', message })
    expect(limited.state.failure?.retryAfterMs).toBe(1898)
    // Anyone may quote such words.
    expect(
      read(created, { type: 'error', code: 'server_error', message }).state.failure?.retryAfterMs,
    ).toBeUndefined()
  })

  it('is an error in the form that clients read outside of streams', () => {
    const { failureData } = read(created, {
      type: 'error',
      code: 'server_error',
      message: 'Oh',
      param: null,
    }).state
    expect(JSON.parse(failureData ?? '')).toEqual({
      error: { code: 'server_error', message: 'Oh', param: null },
    })
  })

  it('keeps its error event apart, with all before it passed on', () => {
    const before = responsesStream(...responsesItems)
    const error =
      'event: error\ndata: {"type":"error","code":null,"message":"Oh","param":null,"sequence_number":13}\n\n'
    const reader = new StreamReader('responses')
    expect(Buffer.from(reader.push(Buffer.from(`${before}${error}data: more\n\n`))).toString()).toBe(before)
    expect(Buffer.from(reader.failureBytes ?? []).toString()).toBe(error)
  })

  it('is broken by an event that is not JSON', () => {
    const reader = new StreamReader('responses')
    reader.push(Buffer.from('event: response.output_text.delta\ndata: {"delta":\n\n'))
    expect(reader.state.failure?.kind).toBe('malformed')
  })
})

describe('a whole answer of OpenAI Responses', () => {
  const whole = (body: object) =>
    readWholeAnswer(
      { api: 'responses', operation: 'generate' },
      200,
      {},
      Buffer.from(JSON.stringify(body)),
      0,
    )

  it('tells usage and why it ends, and estimates what it does not tell', () => {
    const output = [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }] },
      { type: 'message', content: [{ type: 'output_text', text: 'Hello there' }] },
      { type: 'function_call', name: 'f', arguments: '{"a":1}' },
    ]
    expect(whole(responseObject('completed', { output, usage: responsesUsageSaid }))).toMatchObject({
      ...{ failure: undefined, stopReason: 'completed', model: 'gpt-5.5', outputTokens: 0 },
      usage: { inputTokens: 10, cacheReadTokens: 30, outputTokens: 15, reasoningTokens: 6 },
    })
    expect(whole(responseObject('completed', { output })).outputTokens).toBeGreaterThan(5)
  })

  it('may run in the background, and may decline', () => {
    expect(whole(responseObject('queued'))).toMatchObject({ failure: undefined, stopReason: undefined })
    const output = [{ type: 'message', content: [{ type: 'refusal', refusal: 'No' }] }]
    expect(whole(responseObject('completed', { output }))).toMatchObject({ refusal: { kind: 'refusal' } })
  })

  it.each([
    [{ object: 'response', status: 'completed' }, 'malformed'],
    [{ choices: [] }, 'malformed'],
    [responseObject('failed'), 'server'],
    [responseObject('cancelled'), 'server'],
  ])('is none: %j', (body, kind) => {
    expect(whole(body).failure?.kind).toBe(kind)
  })
})

describe('an error of ours in a stream of OpenAI Responses', () => {
  const eventsIn = (bytes: Uint8Array) =>
    [
      ...Buffer.from(bytes)
        .toString()
        .matchAll(/^event: (.+)\ndata: (.+)\n\n/gm),
    ].map(([, name, data]) => ({
      ...{ name, ...JSON.parse(data as string) },
    }))

  it('is an `error` event and then `response.failed`, with the next numbers and the id of the response', () => {
    const { place } = read(...responsesItems)
    const [error, failed, ...more] = eventsIn(renderErrorEvent('responses', truncatedFailure(), { place }))
    const next = responsesItems.length
    expect(more).toEqual([])
    expect(error).toMatchObject({ name: 'error', type: 'error', code: 'server_error', sequence_number: next })
    expect(failed).toMatchObject({
      ...{ name: 'response.failed', type: 'response.failed', sequence_number: next + 1 },
      response: { id: 'resp_1', model: 'gpt-5.5', status: 'failed', error: { code: 'server_error' } },
    })
  })

  it('is the same behind an `error` event of the upstream, and nothing behind its `response.failed`', () => {
    const failure = truncatedFailure()
    const error = Buffer.from(responsesStream({ type: 'error', code: null, message: 'Oh' }))
    const closed = eventsIn(closingBytes('responses', new StreamFailure(failure, error, { nextSequence: 4 })))
    expect(closed.map(({ name }) => name)).toEqual(['error', 'response.failed'])
    const failed = Buffer.from(
      responsesStream({ type: 'response.failed', response: responseObject('failed') }),
    )
    expect(Buffer.from(closingBytes('responses', new StreamFailure(failure, failed)))).toEqual(failed)
  })

  it('says in words how long to wait, and by its code that the prompt is too long', () => {
    const wait = refusalFailure({ kind: 'saturated', message: 'full', retryAfterMs: 2_100 })
    expect(eventsIn(renderErrorEvent('responses', wait))[0]).toMatchObject({
      message: 'full; try again in 3s',
    })
    const long = {
      ...truncatedFailure(),
      kind: 'invalid_request',
      message: 'prompt is too long: 2 > 1',
    } as const
    expect(eventsIn(renderErrorEvent('responses', long))[0]?.code).toBe('context_length_exceeded')
    expect(JSON.parse(Buffer.from(renderError('responses', long).body).toString())).toMatchObject({
      error: { code: 'context_length_exceeded', type: 'invalid_request_error', message: long.message },
    })
  })
})
