import type { JsonObject } from '@spillway/middleware/kit'
import type { SseEvent } from '@spillway/wire'
import { isObject } from './json-values.ts'
import { OverlapFilter } from './overlap.ts'
import type { OpenItem, ResponseSoFar } from './response-so-far.ts'
import { parseEvent, type Splice } from './splice.ts'

/** Where an item of the continuation goes. Text of a message goes into the one that is open. */
type Place = { readonly isMessage: true } | { readonly isMessage: false; readonly index: number }

const noLogprobs: JsonObject = { logprobs: [] }
const emptyPart: JsonObject = { type: 'output_text', text: '', annotations: [], logprobs: [] }

/**
 * Re-serialises a second stream of Responses so that it goes on where the first broke off, under the first one's id and with the
 * numbers that follow: its first text flows into the part that is open, all further items get the places that follow on, and the last
 * event holds the items of both. Its reasoning is left out: it would follow what it has led to.
 */
export function responsesSplice(soFar: ResponseSoFar, textBefore: string, outputTokensSoFar: number): Splice {
  const overlap = new OverlapFilter(textBefore)
  const places = new Map<unknown, Place>()
  /** A message that begins with its first text. */
  let waiting: JsonObject | undefined
  let begun = ''
  let out = ''

  const send = (event: JsonObject): void => {
    const { type, sequence_number: _, ...data } = event
    const numbered = { type, sequence_number: soFar.nextSequence, ...data }
    out += `event: ${type}\ndata: ${JSON.stringify(numbered)}\n\n`
    soFar.read(numbered)
  }

  const openMessage = (): OpenItem | undefined => {
    if (soFar.open === undefined && waiting !== undefined) {
      const item = { ...waiting, content: [] }
      send({ type: 'response.output_item.added', output_index: soFar.items.length, item })
    }
    return soFar.open?.begun.type === 'message' ? soFar.open : undefined
  }

  /** An event of the message that is open, within its part. */
  const sendOfPart = (type: string, fields: JsonObject): void => {
    const open = openMessage()
    if (open === undefined) return
    const content_index = open.part?.index ?? open.parts.length
    send({ type, item_id: open.begun.id, output_index: open.index, content_index, ...fields })
  }

  const say = (text: string, more = noLogprobs): void => {
    if (text === '') return
    if (soFar.open?.part?.isDone) closePart()
    if (openMessage()?.part === undefined) sendOfPart('response.content_part.added', { part: emptyPart })
    begun += text
    sendOfPart('response.output_text.delta', { delta: text, ...more })
  }

  const closePart = (): void => {
    const part = soFar.open?.part
    if (part === undefined) return
    const { begun, text, annotations, isDone } = part
    if (!isDone) sendOfPart('response.output_text.done', { text, ...noLogprobs })
    sendOfPart('response.content_part.done', { part: { ...begun, text, annotations } })
  }

  const closeMessage = (status: unknown): void => {
    say(overlap.flush())
    waiting = undefined
    const open = openMessage()
    if (open === undefined) return
    closePart()
    const item = { ...open.begun, status, content: [...open.parts] }
    send({ type: 'response.output_item.done', output_index: open.index, item })
  }

  const startItem = ({ output_index, item }: JsonObject): void => {
    if (!isObject(item) || item.type === 'reasoning') return
    if (item.type === 'message') {
      waiting = item
      places.set(output_index, { isMessage: true })
      return
    }
    closeMessage('completed')
    const index = soFar.items.length
    places.set(output_index, { isMessage: false, index })
    send({ type: 'response.output_item.added', output_index: index, item })
  }

  /** Text goes through the filter; other parts, a refusal for instance, come as they are, in a part that follows. */
  const readOfMessage = (event: JsonObject): void => {
    const { type, part, item, output_index: _, item_id: __, content_index: ___, ...fields } = event
    const isOther = isObject(part) && part.type !== 'output_text'
    switch (type) {
      case 'response.output_text.delta':
        return say(overlap.push(String(fields.delta ?? '')), { logprobs: fields.logprobs ?? [] })
      case 'response.output_text.done':
        return say(overlap.flush())
      case 'response.content_part.added':
        if (!isOther) return
        say(overlap.flush())
        closePart()
        return sendOfPart(type, { part })
      case 'response.content_part.done':
        if (isOther) return sendOfPart(type, { part })
        say(overlap.flush())
        return closePart()
      case 'response.output_text.annotation.added': {
        const annotation_index = soFar.open?.part?.annotations.length ?? 0
        return sendOfPart(type, { ...fields, annotation_index })
      }
      case 'response.output_item.done':
        return closeMessage(isObject(item) ? (item.status ?? 'completed') : 'completed')
      default:
        sendOfPart(String(type), fields)
    }
  }

  const finish = (event: JsonObject): void => {
    const response = isObject(event.response) ? event.response : {}
    closeMessage(response.status ?? 'completed')
    const { id = response.id, created_at = response.created_at } = soFar.response
    const usage = isObject(response.usage) ? usageWith(response.usage, outputTokensSoFar) : null
    const own = { id, created_at, output: soFar.items, usage }
    send({ ...event, response: { ...soFar.response, ...response, ...own } })
  }

  const readEvent = (event: JsonObject): void => {
    const { type, output_index } = event
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return
      case 'response.output_item.added':
        return startItem(event)
      case 'response.completed':
      case 'response.done':
      case 'response.incomplete':
        return finish(event)
    }
    if (output_index === undefined) return send(event)
    const place = places.get(output_index)
    if (place?.isMessage) readOfMessage(event)
    else if (place !== undefined) send({ ...event, output_index: place.index })
  }

  return {
    get text() {
      return begun
    },
    read({ data }: SseEvent): string {
      out = ''
      const event = parseEvent(data)
      if (event !== undefined) readEvent(event as JsonObject)
      return out
    },
  }
}

function usageWith(usage: JsonObject, before: number): JsonObject {
  const output = (typeof usage.output_tokens === 'number' ? usage.output_tokens : 0) + before
  const input = typeof usage.input_tokens === 'number' ? usage.input_tokens : 0
  return { ...usage, output_tokens: output, total_tokens: input + output }
}
