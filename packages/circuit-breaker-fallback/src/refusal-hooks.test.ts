import { attempt, type Transport } from '@spillway/attempt'
import { createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { refusalFallback } from './refusal-fallback.ts'
import type { RefusalFallbackOptions } from './refusal-options.ts'

const fable = 'claude-fable-5'
const opus = 'claude-opus-4-8'

const warn = vi.spyOn(process, 'emitWarning')
const unhandled = vi.fn()

beforeEach(() => {
  warn.mockReset().mockImplementation(() => {})
  process.on('unhandledRejection', unhandled)
})
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

const event = (data: object & { readonly type: string }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

const answerOf = (model: string, text: string, stream: boolean): string => {
  const reason = model === fable ? 'refusal' : 'end_turn'
  const message = { type: 'message', model, content: [] as object[], usage: {} }
  if (!stream) return JSON.stringify({ ...message, content: [{ type: 'text', text }], stop_reason: reason })
  return [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: reason }, usage: {} },
    { type: 'message_stop' },
  ]
    .map(event)
    .join('')
}

/** Fable declines after two words, all others answer. */
function endpoint(options: RefusalFallbackOptions, clock = virtualClock()) {
  const asked: string[] = []
  const transport: Transport = (request, sink) => {
    const { model, stream } = request
    asked.push(model)
    const cancel = clock.setTimer(1, () => {
      sink.headers(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' })
      sink.data(Buffer.from(answerOf(model, model === fable ? 'Mostly by' : 'They leak.', stream)))
      sink.end()
    })
    return { pause() {}, resume() {}, abort: cancel }
  }
  const handler = refusalFallback(options)(attempt(transport))
  const ask = async (stream: boolean, changes: Partial<ModelRequest> = {}): Promise<string> => {
    const body = jsonBodyFromObject({ model: fable, max_tokens: 10, stream, messages: [] })
    const request = createRequest({
      ...{ api: 'anthropic', model: fable, stream, url: '/v1/messages', clock, body },
      ...changes,
    })
    const call = async (): Promise<string> => {
      const response = await handler(request)
      const text = Buffer.from(await readBody(response.body)).toString()
      await response.outcome
      return text
    }
    return clock.runUntil(call())
  }
  return { clock, asked, ask }
}

const told = (): string[] => warn.mock.calls.map(([text]) => String(text))
const refusal = '"stop_reason":"refusal"'

it.each<[string, () => unknown, RegExp]>([
  [
    'throws',
    () => {
      throw new Error('sk-secret')
    },
    /^refusal\.models threw Error at /,
  ],
  ['answers later', async () => [opus], /^refusal\.models answered with a promise, which is not waited for/],
  ['rejects later', () => Promise.reject(new Error('no')), /^refusal\.models answered with a promise/],
  ['never answers', () => new Promise(() => {}), /^refusal\.models answered with a promise/],
  ['answers with null', () => null, /^refusal\.models answered with null/],
  ['answers with text', () => opus, /^refusal\.models answered with a string/],
  ['answers with no names', () => [{ model: opus }], /^refusal\.models answered with a object/],
])('where `models` %s the caller gets the refusal, and no other model is asked', async (_, models, words) => {
  const permitted = async () => [opus]
  const { asked, ask } = endpoint({ models: models as () => string[], permitted })
  for (const stream of [false, true, false, true]) expect(await ask(stream)).toContain(refusal)
  expect(asked).toEqual(Array(4).fill(fable))
  expect(told()).toEqual([expect.stringMatching(words)])
  expect(told().join()).not.toContain('sk-secret')
})

it('a `models` that answers with undefined leaves it to the vendor', async () => {
  const { asked, ask } = endpoint({ models: () => undefined, permitted: async () => [opus] })
  expect(await ask(false)).toContain('They leak.')
  expect(asked).toEqual([fable, opus])
  expect(told()).toEqual([])
})

it.each<[string, () => unknown, RegExp]>([
  [
    'throws',
    () => {
      throw new TypeError('sk-secret')
    },
    /^refusal\.permitted threw TypeError at /,
  ],
  ['rejects', () => Promise.reject('sk-secret'), /^refusal\.permitted threw a string/],
  ['never answers', () => new Promise(() => {}), /^refusal\.permitted did not answer within 15000 ms/],
  ['answers with text', async () => opus, /^refusal\.permitted answered with a string/],
  ['answers with null', () => null, /^refusal\.permitted answered with null/],
])(
  'where `permitted` %s the configured models are asked, and it is told of once',
  async (_, permitted, words) => {
    const options = { models: [opus], permitted: permitted as () => Promise<string[]> }
    const { asked, ask, clock } = endpoint(options)
    for (const stream of [false, true, false, true]) expect(await ask(stream)).toContain('They leak.')
    expect(asked).toEqual(Array(4).fill([fable, opus]).flat())
    expect(told()).toEqual([expect.stringMatching(words)])
    expect(told().join()).not.toContain('sk-secret')
    expect(clock.pending).toBe(0)
    const alone = endpoint({ permitted: permitted as () => Promise<string[]> })
    for (const stream of [false, true]) expect(await alone.ask(stream)).toContain(refusal)
    expect(alone.asked).toEqual([fable, fable])
  },
)

it('a slow `permitted` is waited for no longer than the call lasts, which is not its fault', async () => {
  const { asked, ask, clock } = endpoint({ models: [opus], permitted: () => new Promise(() => {}) })
  const before = clock.now()
  expect(await ask(false, { deadline: before + 1_000 })).toContain(refusal)
  expect(clock.now() - before).toBeLessThanOrEqual(1_000)
  expect(asked[0]).toBe(fable)
  expect(told()).toEqual([])
})

it('a caller who leaves while `permitted` is asked leaves nothing behind', async () => {
  const leaving = new AbortController()
  const { ask, clock } = endpoint({ models: [opus], permitted: () => new Promise(() => {}) })
  clock.setTimer(100, () => leaving.abort())
  await expect(ask(false, { signal: leaving.signal })).rejects.toThrow('aborted')
  expect(clock.pending).toBe(0)
  expect(told()).toEqual([])
})
