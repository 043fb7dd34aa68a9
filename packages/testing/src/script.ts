import type { Answer, Call, Dialect, Frame } from './answer.ts'
import { contentIndex, firstBlock, halfOf } from './content-frames.ts'
import { damaged, malformed } from './damaged-answer.ts'
import type { Cut, ErrorIn200, Fault, StatusFault } from './fault.ts'

/** One act of a response. */
export type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'head'; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly do: 'send'; readonly data: string | Buffer }
  | { readonly do: 'end' }
  | { readonly do: 'reset' }

type Script = Generator<Step, void, void>

const end: Step = { do: 'end' }
const reset: Step = { do: 'reset' }
const wait = (ms: number): Step => ({ do: 'wait', ms })
const send = (data: string | Buffer): Step => ({ do: 'send', data })

/**
 * What a server does to give an answer, with a fault in it or none. Lazy, since a fault may go on for ever.
 * `pace` is the wait in milliseconds before each content event; undefined for none.
 */
export function* script(
  answer: Answer,
  fault: Fault | undefined,
  dialect: Dialect,
  call: Call,
  pace: number | undefined,
): Script {
  switch (fault?.type) {
    case undefined:
      return yield* plainly(answer, pace)
    case 'slow-headers':
      yield wait(fault.ms)
      return yield* plainly(answer, pace)
    case 'slow-first-token':
      if (typeof answer.body !== 'string') {
        return yield* pausedAt(answer.body, firstBlock(answer.body), answer, fault, dialect, pace)
      }
      yield wait(fault.ms)
      return yield* plainly(answer, pace)
    case 'stall':
      return yield* paused(answer, fault.afterChunks, fault, dialect, pace)
    case 'status':
      return yield* plainly(statusAnswer(fault, dialect, call), undefined)
    case 'error-in-200':
      return yield* errorInside(answer, fault, dialect, call, pace)
    case 'cut':
      return yield* cutOff(answer, fault, pace)
    case 'malformed':
      return yield* plainly(malformed(answer, fault.how, dialect), undefined)
    case 'damage':
      return yield* plainly(damaged(answer, fault, dialect), pace)
    case 'reset':
      return yield reset
    case 'drip': {
      const bytes = wholeBody(answer)
      yield head(answer, bytes.length)
      for (let at = 0; at < bytes.length; at += fault.bytes) {
        if (at > 0) yield wait(fault.everyMs)
        yield send(bytes.subarray(at, at + fault.bytes))
      }
      return yield end
    }
  }
}

/** The body of an answer without any fault, in one piece. */
export function wholeBody({ body }: Answer): Buffer {
  if (typeof body === 'string') return Buffer.from(body)
  let text = ''
  for (const frame of body) {
    if (typeof frame.text !== 'string') return Buffer.concat(body.map((each) => bytesOf(each.text)))
    text += frame.text
  }
  return Buffer.from(text)
}

function bytesOf(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text
}

/** The headers of an answer. Only whole bodies have a length. */
export function headersOf({ body, contentType, headers }: Answer, length: number): Record<string, string> {
  const all = { 'content-type': contentType, ...headers }
  if (typeof body === 'string') return { ...all, 'content-length': String(length) }
  return { ...all, 'cache-control': 'no-cache' }
}

function head(answer: Answer, length: number): Step {
  return { do: 'head', status: answer.status, headers: headersOf(answer, length) }
}

function* plainly(answer: Answer, pace: number | undefined): Script {
  if (typeof answer.body === 'string') {
    const bytes = Buffer.from(answer.body)
    yield head(answer, bytes.length)
    yield send(bytes)
  } else {
    yield head(answer, 0)
    yield* frames(answer.body, pace)
  }
  yield end
}

function* frames(list: readonly Frame[], pace: number | undefined): Script {
  for (const frame of list) {
    if (frame.content && pace !== undefined) yield wait(pace)
    frame.sent?.()
    yield send(frame.text)
  }
}

function* paused(
  answer: Answer,
  afterChunks: number,
  fault: { readonly ms: number; readonly pings?: number },
  dialect: Dialect,
  pace: number | undefined,
): Script {
  if (typeof answer.body === 'string') {
    const bytes = Buffer.from(answer.body)
    yield head(answer, bytes.length)
    yield send(bytes.subarray(0, bytes.length >> 1))
    yield wait(fault.ms)
    yield send(bytes.subarray(bytes.length >> 1))
    return yield end
  }
  yield* pausedAt(answer.body, contentIndex(answer.body, afterChunks), answer, fault, dialect, pace)
}

/** Pauses before the event at this index. */
function* pausedAt(
  body: readonly Frame[],
  at: number,
  answer: Answer,
  fault: { readonly ms: number; readonly pings?: number },
  dialect: Dialect,
  pace: number | undefined,
): Script {
  yield head(answer, 0)
  yield* frames(body.slice(0, at), pace)
  const { ping } = dialect
  let left = fault.ms
  if (ping !== undefined && fault.pings !== undefined && fault.pings > 0) {
    for (; left > fault.pings; left -= fault.pings) {
      yield wait(fault.pings)
      yield send(ping)
    }
  }
  yield wait(left)
  yield* frames(body.slice(at), pace)
  yield end
}

function* errorInside(
  answer: Answer,
  fault: ErrorIn200,
  dialect: Dialect,
  call: Call,
  pace: number | undefined,
): Script {
  const error = { status: undefined, type: fault.errorType, message: fault.message }
  if (typeof answer.body === 'string') {
    const body = dialect.errorIn200(error, call, fault.at)
    return yield* plainly({ ...answer, status: 200, body }, undefined)
  }
  yield head(answer, 0)
  if (fault.at !== 'start') {
    const chunks = fault.at === 'before-content' ? 0 : (fault.afterChunks ?? halfOf(answer.body))
    yield* frames(answer.body.slice(0, contentIndex(answer.body, chunks)), pace)
  }
  yield send(dialect.errorFrame(error, call))
  yield end
}

function* cutOff(answer: Answer, fault: Cut, pace: number | undefined): Script {
  const last = fault.how === 'end' ? end : reset
  if (typeof answer.body === 'string') {
    const bytes = Buffer.from(answer.body)
    // A clean end that is too early takes a body without a length.
    const { 'content-length': length, ...open } = headersOf(answer, bytes.length)
    const headers = fault.how === 'end' || length === undefined ? open : { ...open, 'content-length': length }
    yield { do: 'head', status: answer.status, headers }
    if (fault.at !== 'headers') yield send(bytes.subarray(0, bytes.length >> 1))
    return yield last
  }
  yield head(answer, 0)
  if (fault.at !== 'headers') {
    const chunks = fault.at === 'before-content' ? 0 : (fault.afterChunks ?? halfOf(answer.body))
    const at = contentIndex(answer.body, chunks)
    yield* frames(answer.body.slice(0, at), pace)
    const half = bytesOf(fault.at === 'mid-event' ? (answer.body[at]?.text ?? '') : '')
    if (half.length > 0) yield send(half.subarray(0, half.length >> 1))
  }
  yield last
}

function statusAnswer(fault: StatusFault, dialect: Dialect, call: Call): Answer {
  const error = { status: fault.status, type: fault.errorType, message: fault.message }
  const headers: Record<string, string> = fault.bare
    ? {}
    : { ...dialect.headers(call), ...dialect.errorHeaders?.(error) }
  if (fault.retryAfter !== undefined) headers['retry-after'] = String(fault.retryAfter)
  return {
    status: fault.status,
    contentType: fault.contentType ?? 'application/json',
    headers: { ...headers, ...fault.headers },
    body: fault.body ?? dialect.errorBody(error, call),
  }
}
