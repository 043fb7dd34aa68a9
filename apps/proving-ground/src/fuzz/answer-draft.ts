import { mutateBytes } from './byte-mutations.ts'
import type { Dice } from './dice.ts'
import { type Json, write } from './json-mutations.ts'
import type { AnswerEvent, AnswerTree } from './valid-answers.ts'
import { words } from './words.ts'

/** An answer on its way to the wire. */
export interface Draft {
  status: string
  contentType: string | undefined
  readonly headers: string[]
  body: Buffer
  framing: 'length' | 'chunked' | 'close'
  /** Whether the connection stays open after it. */
  keepsAlive: boolean
}

export function draftOf(tree: AnswerTree): Draft {
  const { isStream, whole, events } = tree
  return {
    status: '200 OK',
    contentType: isStream ? 'text/event-stream; charset=utf-8' : 'application/json',
    headers: ['request-id: req_1'],
    body: Buffer.from(isStream ? events.map(eventText).join('') : JSON.stringify(whole)),
    framing: isStream ? 'chunked' : 'length',
    keepsAlive: true,
  }
}

export function eventText({ name, data }: AnswerEvent): string {
  const text = data === '[DONE]' ? data : write(data)
  return name === undefined ? `data: ${text}\n\n` : `event: ${name}\ndata: ${text}\n\n`
}

export function headOf({ status, contentType, headers, framing, keepsAlive, body }: Draft): string {
  const lines = [`HTTP/1.1 ${status}`]
  if (contentType !== undefined) lines.push(`content-type: ${contentType}`)
  lines.push(...headers)
  if (framing === 'length') lines.push(`content-length: ${body.length}`)
  if (framing === 'chunked') lines.push('transfer-encoding: chunked')
  if (!keepsAlive || framing === 'close') lines.push('connection: close')
  return `${lines.join('\r\n')}\r\n\r\n`
}

export function bytesOf(draft: Draft): { readonly bytes: Buffer; readonly closes: boolean } {
  const { body, framing, keepsAlive } = draft
  const head = Buffer.from(headOf(draft), 'latin1')
  const size = Buffer.from(`${body.length.toString(16)}\r\n`)
  const framed = framing !== 'chunked' || body.length === 0 ? [body] : [size, body, Buffer.from('\r\n')]
  const end = framing === 'chunked' ? [Buffer.from('0\r\n\r\n')] : []
  return { bytes: Buffer.concat([head, ...framed, ...end]), closes: !keepsAlive || framing === 'close' }
}

/** Words that close a key or a target for a while are left to one target alone: the others are to stay in traffic. */
export function errorBody(dice: Dice, api: string, message: string): Json {
  const type = dice.pick([
    'overloaded_error',
    'api_error',
    'invalid_request_error',
    'not_found_error',
    'x',
    '__proto__',
    '',
  ])
  if (api === 'anthropic') {
    const id = dice.pick<Json>(['req_1', null, 'rëq_日本', 7, 'a\r\nx-injected: 1', '\u0000'])
    return { type: 'error', error: { type, message }, request_id: id }
  }
  const code = dice.pick<Json>([type, null, 529, 500, 1e308])
  return {
    error: { message, type, param: null, code, metadata: { raw: 'x', retry_after: dice.pick([0, 0.001]) } },
  }
}

export function fail(dice: Dice, draft: Draft, { api }: AnswerTree, status: string): void {
  draft.status = status
  draft.contentType = 'application/json'
  draft.framing = 'length'
  draft.body = Buffer.from(write(errorBody(dice, api, words(dice, 6))))
  if (dice.chance(0.1)) draft.body = mutateBytes(draft.body, dice, 1)
  if (dice.chance(0.1)) {
    draft.contentType = 'text/html'
    draft.body = Buffer.from('<html><body><h1>Bad Gateway</h1></body></html>')
  }
}
