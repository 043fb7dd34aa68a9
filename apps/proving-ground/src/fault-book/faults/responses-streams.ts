import { breaks, type FaultEntry, transient } from '../fault-entry.ts'
import {
  done,
  itemBegins,
  itemEnds,
  numbered,
  response,
  responseBegins,
  responseEnds,
  textPiece,
  wholeEvents,
} from '../wire-bodies.ts'
import { streamed } from './responses-words.ts'

const group = 'Responses: ends that are none'
const half = [...responseBegins, ...itemBegins, textPiece('The spillway')]
const { output: _, ...withoutOutput } = response

/** A call of a tool whose arguments have come so far. */
function call(args: string, status: string): { type: string; id: string; [key: string]: unknown } {
  return { id: 'fc_1', type: 'function_call', status, name: 'rm', call_id: 'call_1', arguments: args }
}

const halfCall = [
  ...responseBegins,
  { type: 'response.output_item.added', output_index: 0, item: call('', 'in_progress') },
  {
    ...{ type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 0 },
    delta: '{"path":"/tm',
  },
]

/** Streams of Responses that were cut, or failed, and those whose end nobody can read. */
export const responsesEnds: readonly FaultEntry[] = [
  streamed('nothing behind content', numbered(...half), breaks, 'ding113/claude-code-hub#938'),
  streamed('[DONE] behind content', numbered(...half) + done, breaks, 'decolua/9router#1648'),
  streamed('the item has ended, the response has not', numbered(...half, ...itemEnds), breaks),
  streamed('[DONE] alone', done, transient(502)),
  streamed('[DONE] behind the beginning', numbered(...responseBegins) + done, transient(502)),
  streamed(
    'an end without its response, before content',
    numbered(...responseBegins, { ...response, type: 'response.completed' }),
    transient(502),
    '7836246/cursor2api#113',
  ),
  streamed(
    'an end without its response, behind content',
    numbered(...half, ...itemEnds, { ...response, type: 'response.completed' }),
    breaks,
    '7836246/cursor2api#113',
  ),
  streamed(
    'an end whose response has no output, before content',
    numbered(...responseBegins, { ...responseEnds, response: withoutOutput } as { type: string }),
    transient(502),
  ),
  streamed(
    'half a tool call, then response.completed without it',
    numbered(...halfCall, { ...responseEnds, response: { ...response, output: [] } } as { type: string }),
    breaks,
  ),
  streamed(
    'half a tool call, then response.completed with the half of it',
    numbered(...halfCall, {
      ...responseEnds,
      ...{ response: { ...response, output: [call('{"path":"/tm', 'completed')] } },
    }),
    breaks,
  ),
  streamed('half of the last event', numbered(...wholeEvents).slice(0, -40), breaks),
  streamed(
    'an event that is no JSON in the middle',
    `${numbered(...half)}event: response.output_text.delta\ndata: {"type":"response.outp\n\n`,
    breaks,
  ),
  streamed(
    'a flat error in the middle',
    `${numbered(...half)}data: {"object":"error","message":"No.","type":"InternalServerError","code":500}\n\n${done}`,
    breaks,
  ),
  streamed(
    'an error of chat completions in the middle, then [DONE]',
    `${numbered(...half)}data: {"error":{"message":"No.","type":"server_error"}}\n\n${done}`,
    breaks,
    'BerriAI/litellm#29223',
  ),
  streamed(
    'response.failed in the middle',
    numbered(...half, {
      type: 'response.failed',
      ...{ response: { ...response, status: 'failed', error: { code: 'server_error', message: 'No.' } } },
    }),
    breaks,
    'usestrix/strix#719',
  ),
  streamed(
    'an error event in the middle, then response.failed',
    numbered(
      ...half,
      { type: 'error', ...{ code: 'rate_limit_exceeded', message: 'No.', param: null } },
      {
        type: 'response.failed',
        ...{
          response: { ...response, status: 'failed', error: { code: 'rate_limit_exceeded', message: 'No.' } },
        },
      },
    ),
    breaks,
  ),
].map((entry) => ({ ...entry, group }))
