import type { Api } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { streamRequest } from '../test/call.ts'
import { handTransport } from '../test/hand-transport.ts'
import { anthropic, ending, preamble } from '../test/wire-samples.ts'
import { attempt } from './attempt.ts'

const chunk = (delta: object, reason: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`
const call = (fields: object): string => chunk({ tool_calls: [{ index: 0, ...fields }] })

const responses = (...events: readonly { readonly type: string }[]): string =>
  events
    .map(
      (event, at) => `event: ${event.type}\ndata: ${JSON.stringify({ sequence_number: at, ...event })}\n\n`,
    )
    .join('')
const callItem = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'rm', arguments: '' }
const callOf = <T extends { readonly type: string }>(more: T): T => ({
  output_index: 0,
  item_id: 'fc_1',
  ...more,
})

const streams: Record<Api, { readonly answer: string; readonly more: string }> = {
  anthropic: { answer: preamble + anthropic.text('Hello') + ending, more: ': bye\n\n' },
  openai: {
    answer:
      call({ id: 'call_1', function: { name: 'rm', arguments: '{"path":' } }) +
      call({ function: { arguments: '"/tmp"}' } }) +
      chunk({}, 'tool_calls'),
    more: `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } })}\n\ndata: [DONE]\n\n`,
  },
  responses: {
    answer: responses(
      callOf({ type: 'response.created', response: { id: 'resp_1', status: 'in_progress', output: [] } }),
      callOf({ type: 'response.output_item.added', item: callItem }),
      callOf({ type: 'response.function_call_arguments.delta', delta: '{"path":"/tmp"}' }),
      callOf({ type: 'response.output_item.done', item: { ...callItem, arguments: '{"path":"/tmp"}' } }),
      callOf({ type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } }),
    ),
    more: 'data: [DONE]\n\n',
  },
}

it.each<[Api, boolean]>([
  ['anthropic', true],
  ['anthropic', false],
  ['openai', true],
  ['openai', false],
  ['responses', true],
  ['responses', false],
])(
  'a stream of %s is truncated at each byte but its true ends (a stream was asked for: %s)',
  async (api, stream) => {
    const { answer, more } = streams[api]
    const bytes = Buffer.from(answer + more)
    const kinds: (string | undefined)[] = []
    for (let length = 1; length <= bytes.length; length++) {
      const wire = handTransport()
      const going = attempt(wire.transport)(streamRequest({ clock: virtualClock(), api, stream }))
      wire.streamHeaders()
      wire.sink.data(bytes.subarray(0, length))
      wire.sink.end()
      const { outcome, body } = await going
      kinds.push((await outcome).failure?.kind)
      body.cancel()
    }
    const cut = Buffer.byteLength(answer) - 1
    expect(kinds).toEqual([...Array(cut).fill('truncated'), ...Array(bytes.length - cut).fill(undefined)])
  },
)
