import { defaultText } from '@spillway/testing'
import { streamsOfResponses, wholeResponses } from '../faults/responses-words.ts'
import type { Row } from '../row.ts'
import {
  done,
  events,
  itemBegins,
  numbered,
  response,
  responseBegins,
  responseEnds,
  textPiece,
  wholeBody,
  wholeEvents,
} from '../wire-bodies.ts'
import { specialRow } from './expecting.ts'

const group = 'Responses: answers of servers that do it their way'

interface Way {
  readonly name: string
  readonly body: string
  readonly complaint?: string
  /** What stands behind the end does not reach the caller. */
  readonly isCut?: boolean
  readonly text?: string
}

const refused = {
  id: 'msg_1',
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'refusal', refusal: 'I cannot help with that.' }],
}
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
const whole = wholeBody({ api: 'responses' }, 'sse')
const empty = { ...response, output: [] }
const filtered = { ...empty, status: 'incomplete', incomplete_details: { reason: 'content_filter' } }
const [created] = responseBegins

const streams: readonly Way[] = [
  { name: '[DONE] behind the end', body: whole + done, isCut: true },
  {
    name: '[DONE] and a ping behind the end',
    body: `${whole}${done}event: ping\ndata: {"type":"ping","cost":"0"}\n\n`,
    isCut: true,
    complaint: 'anomalyco/opencode#40171',
  },
  { name: 'the end twice', body: whole + numbered(responseEnds), isCut: true },
  { name: 'the beginning twice', body: numbered(created as { type: string }, ...wholeEvents) },
  {
    name: 'pieces of text and an end alone',
    body: numbered(textPiece(defaultText), responseEnds),
    complaint: 'anomalyco/opencode#40171',
  },
  {
    name: 'no pieces, the text once it is done',
    body: numbered(
      ...responseBegins,
      { type: 'response.output_text.done', ...place, ...{ text: defaultText } },
      responseEnds,
    ),
    complaint: 'Sophomoresty/gemini-web2api#57',
  },
  {
    name: 'an item that never ends',
    body: numbered(...responseBegins, ...itemBegins, textPiece(defaultText), responseEnds),
    complaint: 'vllm-project/vllm#37071',
  },
  {
    name: 'an end that holds nothing of what came',
    body: numbered(...wholeEvents.slice(0, -1), { ...responseEnds, response: empty } as { type: string }),
  },
  { name: 'events without numbers', body: events(...wholeEvents), complaint: 'openai-php/client#764' },
  {
    name: 'events that all have the same number',
    body: events(...wholeEvents.map((event) => ({ ...event, sequence_number: 1 }))),
    complaint: 'BerriAI/litellm#28899',
  },
  {
    name: 'events that are named in their data alone',
    body: whole.replaceAll(/^event: .*\n/gm, ''),
  },
  {
    name: 'events that are named outside of their data alone',
    body: wholeEvents
      .map(({ type, ...data }) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
      .join(''),
    complaint: '7836246/cursor2api#114',
  },
  {
    name: 'response.done instead of response.completed',
    body: numbered(...wholeEvents.slice(0, -1), { ...responseEnds, type: 'response.done' }),
  },
  { name: 'events that nobody knows', body: numbered({ type: 'codex.rate_limits' }, ...wholeEvents) },
  { name: 'lines that end in CRLF', body: whole.replaceAll('\n', '\r\n') },
  { name: '20 kB of comments before the first event', body: `${': keep-alive\n\n'.repeat(1_500)}${whole}` },
  {
    name: 'a refusal in words',
    body: numbered(
      ...responseBegins,
      { type: 'response.output_item.added', output_index: 0, item: { ...refused, content: [] } } as {
        type: string
      },
      { type: 'response.refusal.delta', ...place, ...{ delta: 'I cannot help with that.' } },
      { type: 'response.output_item.done', ...{ output_index: 0, item: refused } },
      { ...responseEnds, response: { ...response, output: [refused] } } as { type: string },
    ),
    text: 'I cannot help with that.',
  },
  {
    name: 'a content filter before any content',
    body: numbered(...responseBegins, { type: 'response.incomplete', ...{ response: filtered } }),
    text: '',
  },
  {
    name: 'an end without anything',
    body: numbered(...responseBegins, { ...responseEnds, response: empty } as { type: string }),
    text: '',
  },
]

const wholes: readonly Way[] = [
  {
    name: 'a refusal in words',
    body: JSON.stringify({ ...response, output: [refused] }),
    text: 'I cannot help with that.',
  },
  { name: 'a content filter before any content', body: JSON.stringify(filtered), text: '' },
  { name: 'an end without anything', body: JSON.stringify(empty), text: '' },
  { name: 'no usage', body: JSON.stringify({ ...response, usage: null }) },
]

/** What servers of Responses do that is not as OpenAI does it, and yet an answer. */
export const responsesRows: readonly Row[] = [
  ...streamsOfResponses.flatMap((shape) => streams.map((way) => row(shape, way, 'text/event-stream'))),
  ...wholeResponses.flatMap((shape) => wholes.map((way) => row(shape, way, 'application/json'))),
]

function row(shape: Row['shape'], { name, body, complaint, isCut, text }: Way, contentType: string): Row {
  const always = { type: 'status', status: 200, contentType, body } as const
  const said = text === undefined ? {} : { reply: { text } }
  const bytes = shape.at === undefined && !isCut
  return specialRow(
    group,
    name,
    'always',
    shape,
    { always, ...said, ...(complaint && { complaint }), isForeign: true },
    { bytes },
  )
}
