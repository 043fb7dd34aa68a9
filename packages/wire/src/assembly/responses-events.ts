import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf } from '../json/values.ts'

/** The events in which a response would have been streamed; undefined for what is no response. */
export function responseEvents(response: JsonObject): string | undefined {
  const { output } = response
  if (!Array.isArray(output) || !output.every(isObject)) return undefined
  let sequence = 0
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  const begun = { ...response, status: 'in_progress', output: [], usage: null }
  const end = response.status === 'incomplete' ? 'response.incomplete' : 'response.completed'
  return [
    event('response.created', { response: begun }),
    event('response.in_progress', { response: begun }),
    ...output.map((item, at) => itemEvents(item, at, event)),
    event(end, { response: { ...response, status: end.slice('response.'.length) } }),
  ].join('')
}

type Write = (type: string, fields: object) => string

/** What grows piece by piece in an item that is streamed, by its type. */
const growing: Readonly<Record<string, readonly [field: string, event: string]>> = {
  function_call: ['arguments', 'response.function_call_arguments'],
  custom_tool_call: ['input', 'response.custom_tool_call_input'],
  mcp_call: ['arguments', 'response.mcp_call_arguments'],
}

function itemEvents(item: JsonObject, output_index: number, event: Write): string {
  const place = { item_id: item.id, output_index }
  const [field, name] = growing[String(item.type)] ?? []
  const parts = item.type === 'message' ? objectsOf(item.content) : []
  const summary = item.type === 'reasoning' ? objectsOf(item.summary) : []
  const added = {
    ...item,
    status: 'in_progress',
    ...(field !== undefined && { [field]: '' }),
    ...(item.type === 'message' && { content: [] }),
    ...(item.type === 'reasoning' && { summary: [] }),
  }
  return [
    event('response.output_item.added', { output_index, item: added }),
    ...summary.map((part, summary_index) =>
      partEvents({ ...place, summary_index }, part, 'response.reasoning_summary', event),
    ),
    ...parts.map((part, content_index) =>
      partEvents({ ...place, content_index }, part, 'response.content', event),
    ),
    ...(field === undefined || name === undefined
      ? []
      : [
          event(`${name}.delta`, { ...place, delta: item[field] }),
          event(`${name}.done`, {
            ...place,
            ...(item.name !== undefined && { name: item.name }),
            [field]: item[field],
          }),
        ]),
    event('response.output_item.done', { output_index, item }),
  ].join('')
}

function partEvents(place: object, part: JsonObject, kind: string, event: Write): string {
  const field = part.type === 'refusal' ? 'refusal' : 'text'
  const name =
    kind === 'response.content'
      ? `response.${part.type === 'refusal' ? 'refusal' : 'output_text'}`
      : `${kind}_text`
  const logprobs = name === 'response.output_text' ? { logprobs: [] } : {}
  return [
    event(`${kind}_part.added`, { ...place, part: { ...part, [field]: '' } }),
    event(`${name}.delta`, { ...place, delta: part[field], ...logprobs }),
    event(`${name}.done`, { ...place, [field]: part[field], ...logprobs }),
    event(`${kind}_part.done`, { ...place, part }),
  ].join('')
}
