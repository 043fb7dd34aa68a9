import type { Answer, Dialect, Frame } from './answer.ts'
import { contentIndex, halfOf } from './content-frames.ts'
import type { Damage, Malformed } from './fault.ts'

/** What is sent instead of an answer, and is not valid in its protocol. */
export function malformed(answer: Answer, how: Malformed['how'], dialect: Dialect): Answer {
  const { headers } = answer
  const streamed = typeof answer.body !== 'string'
  const noEvents = [{ text: 'this is not\nan event stream\n\n', content: true }]
  switch (how) {
    case 'json':
      return {
        ...answer,
        status: 200,
        body: streamed ? brokenJson(answer.body as Frame[]) : '{"id":"broken","content":[{',
      }
    case 'empty':
      return { ...answer, status: 200, body: streamed ? [] : '' }
    case 'html':
      return {
        status: 200,
        contentType: 'text/html; charset=utf-8',
        headers,
        body: '<!doctype html>\n<html><head><title>Welcome</title></head><body>It works!</body></html>\n',
      }
    case 'sse':
      return { status: 200, contentType: dialect.streamType, headers, body: noEvents }
  }
}

/** Breaks the JSON of the first content event, and leaves the event whole. */
function brokenJson(list: readonly Frame[]): readonly Frame[] {
  const at = contentIndex(list, 0)
  const text = list[at]?.text ?? 'data: {}\n\n'
  if (typeof text !== 'string') return changed(list, at, damagedFrame(text, 'payload'))
  const json = text.indexOf('{')
  const close = text.lastIndexOf('}') + 1
  return changed(list, at, text.slice(0, json + ((close - json) >> 1)) + text.slice(close))
}

/** An answer with a frame that was changed on its way. */
export function damaged(answer: Answer, { part, afterChunks }: Damage, dialect: Dialect): Answer {
  const { body } = answer
  if (typeof body === 'string') return malformed(answer, 'json', dialect)
  const at = contentIndex(body, afterChunks ?? halfOf(body))
  const text = body[at]?.text
  if (text === undefined || typeof text === 'string') return malformed(answer, 'json', dialect)
  return { ...answer, body: changed(body, at, damagedFrame(text, part)) }
}

function changed(list: readonly Frame[], at: number, text: string | Buffer): readonly Frame[] {
  return [...list.slice(0, at), { text, content: true }, ...list.slice(at + 1)]
}

/** Where each part of a frame begins that a fault changes one bit of. */
const partAt = { length: 0, prelude: 8, headers: 13 }

function damagedFrame(frame: Buffer, part: Damage['part']): Buffer {
  const copy = Buffer.from(frame)
  const at = part === 'payload' ? copy.length >> 1 : partAt[part]
  copy[at] = (copy[at] as number) ^ (part === 'length' ? 0x7f : 1)
  return copy
}
