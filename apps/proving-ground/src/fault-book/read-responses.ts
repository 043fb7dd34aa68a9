import { dataOf, eventsOf, isError, type Json, parse, type ReadAnswer } from './read-answer.ts'

/** Reads a response that is not streamed. */
export function readWholeResponse(body: Json): ReadAnswer {
  const text = textOf(body)
  const isWhole = body?.status === 'completed' || body?.status === 'incomplete'
  const endsWithError = isError('responses', body)
  return { text, hasContent: text !== '', isWhole, endsWithError, beforeError: '' }
}

function textOf(response: Json): string {
  const parts: Json[] = (response?.output ?? []).flatMap(({ content }: Json) => content ?? [])
  return parts.map((part) => part.text ?? part.refusal ?? '').join('')
}

/** `response.done` is said by relays. */
const ends = new Set(['response.completed', 'response.incomplete', 'response.done'])

/**
 * Reads a stream of Responses. It fails well with `response.failed`, which Codex waits for, behind an `error`, at which the
 * official SDK throws; or with the upstream's own `response.failed` alone.
 */
export function readResponsesStream(text: string): ReadAnswer {
  const events = eventsOf(text).map((bytes) => ({ bytes, json: parse(dataOf(bytes) ?? '') }))
  let said = ''
  let hasContent = false
  let end: Json
  for (const { json, bytes } of events) {
    const type = typeOf(json, bytes)
    if (type.endsWith('.delta') && json?.delta) hasContent = true
    if (type === 'response.output_text.delta' || type === 'response.refusal.delta') said += json?.delta ?? ''
    // Some servers have no deltas.
    if (type === 'response.output_text.done' && said === '') said = json?.text ?? ''
    if (ends.has(type)) end = json
  }
  const [before, last] = events.slice(-2)
  const endsWithError = typeOf(last?.json, last?.bytes) === 'response.failed'
  const isSaidTwice = events.length > 1 && isErrorEvent(before?.json, before?.bytes)
  const endings = endsWithError ? events.slice(isSaidTwice ? -2 : -1) : []
  const length = endings.reduce((sum, { bytes }) => sum + bytes.length + 2, 0)
  return {
    text: said,
    hasContent: hasContent || said !== '',
    isWhole: end !== undefined,
    endsWithError,
    beforeError: text.slice(0, text.length - length),
    contradictions: contradictionsIn(events.map(({ json }) => json).filter(Boolean)),
  }
}

function typeOf(json: Json, bytes = ''): string {
  return json?.type ?? /^event: ?(.*)$/m.exec(bytes)?.[1] ?? ''
}

function isErrorEvent(json: Json, bytes = ''): boolean {
  return typeOf(json, bytes) === 'error' || isError('responses', json)
}

/** Numbers that do not follow each other, items that nobody has begun or ended, and an end that says something else. */
function contradictionsIn(events: readonly Json[]): string[] {
  const problems: string[] = []
  const texts: string[] = []
  const open = new Set<number>()
  events.forEach(({ type, sequence_number, output_index, delta, item, response }, index) => {
    if (sequence_number !== index) problems.push(`event ${index} has the number ${sequence_number}`)
    if (type === 'response.output_item.added') {
      if (output_index !== texts.length) problems.push(`item ${texts.length} has the index ${output_index}`)
      texts.push('')
      open.add(output_index)
    } else if (type === 'response.output_item.done') {
      open.delete(output_index)
      const done = item?.type === 'message' ? textOf({ output: [item] }) : texts[output_index]
      if (done !== texts[output_index]) problems.push(`item ${output_index} ends with another text`)
    } else if (output_index !== undefined && !open.has(output_index)) {
      problems.push(`${type} is outside of its item`)
    }
    if (type === 'response.output_text.delta') texts[output_index] += delta
    if (type !== 'response.completed' && type !== 'response.incomplete') return
    if (open.size > 0) problems.push('an item was never ended')
    if (textOf(response) !== texts.join('')) problems.push('the end has another text than the stream')
    if (response?.output?.length !== texts.length) problems.push('the end has other items than the stream')
  })
  return problems
}
