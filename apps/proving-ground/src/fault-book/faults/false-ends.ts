import type { Api } from '@spillway/middleware'
import {
  answers,
  breaks,
  type Effect,
  type FaultEntry,
  leftOut,
  permanent,
  transient,
} from '../fault-entry.ts'
import { chunk, done, events, halfCall, messageEnd, messageStart, textBlock } from '../wire-bodies.ts'
import { ofVendor } from './money.ts'

const group = 'Ends that are none'

/** A stream in one protocol, byte for byte. */
function stream(api: Api, name: string, body: string, effect: Effect): FaultEntry {
  return {
    name,
    group,
    fault: { type: 'status', status: 200, contentType: 'text/event-stream', body },
    effect: (shape) =>
      shape.api === api && shape.body === 'sse'
        ? effect
        : leftOut('What a stream says wrongly at its end, it says in one protocol.'),
  }
}

const half = chunk({ role: 'assistant', content: 'The spillway' })
const openCall = chunk({
  tool_calls: [
    { index: 0, id: 'call_1', type: 'function', function: { name: 'rm', arguments: '{"path":"/tm' } },
  ],
})
const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** Streams that were cut, or failed, and say that they are whole. */
export const falseEnds: readonly FaultEntry[] = [
  stream('openai', '[DONE] behind content without a reason', half + done, breaks),
  stream(
    'openai',
    'an empty finish reason in each chunk, then [DONE]',
    chunk({ role: 'assistant', content: 'The spillway' }, '') + done,
    breaks,
  ),
  stream('openai', 'half a tool call, then [DONE]', openCall + done, breaks),
  stream(
    'openai',
    'one of two choices has finished, then [DONE]',
    half + chunk({ content: 'Water' }, null, 1) + chunk({}, 'stop') + done,
    breaks,
  ),
  stream('openai', 'an end alone', done, transient(502)),
  stream(
    'anthropic',
    'an end behind the beginning',
    events(messageStart, { type: 'message_stop' }),
    transient(502),
  ),
  stream(
    'anthropic',
    'half a tool call, then message_stop',
    events(messageStart, ...halfCall, { type: 'message_stop' }),
    breaks,
  ),
  stream(
    'openai',
    'a flat error in the middle of a stream',
    half + data({ object: 'error', message: 'No.', type: 'InternalServerError', code: 500 }) + done,
    breaks,
  ),
  stream('openai', 'a detail in the middle of a stream', half + data({ detail: 'No.' }) + done, breaks),
  stream(
    'anthropic',
    'an error event that is no JSON',
    `${events(messageStart)}event: error\ndata: upstream gone\n\n`,
    transient(502),
  ),
  stream(
    'anthropic',
    'an unknown event that is no JSON',
    `${events(messageStart)}event: x-progress\ndata: 5 %\n\n${events(...textBlock, ...messageEnd)}`,
    answers,
  ),
]

/** Azure's refusal of a prompt, with status 200. */
export const filteredIn200: FaultEntry = {
  name: 'a content filter inside a 200',
  group: 'Errors inside a 200',
  fault: {
    type: 'status',
    status: 200,
    body: JSON.stringify({
      error: { code: 'content_filter', message: 'The prompt was filtered.', status: 400 },
    }),
  },
  effect: ofVendor('openai', permanent(400, { callerError: true })),
}
