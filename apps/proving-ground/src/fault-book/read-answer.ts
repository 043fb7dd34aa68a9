import type { Api } from '@spillway/middleware'
import { readResponsesStream, readWholeResponse } from './read-responses.ts'
import type { Shape } from './shape.ts'

/** What a caller makes of a body. */
export interface ReadAnswer {
  readonly text: string
  /** Whether any text, thinking or tool input came. */
  readonly hasContent: boolean
  /** Whether it says that it is whole. */
  readonly isWhole: boolean
  /** Whether the last thing said is an error of the protocol. */
  readonly endsWithError: boolean
  /** The body before that error. */
  readonly beforeError: string
  /** What contradicts itself in a stream that the gateway has written. */
  readonly contradictions?: readonly string[]
}

// biome-ignore lint/suspicious/noExplicitAny: answers of strangers
export type Json = any

/** Reads a body in the caller's shape, as a client would. */
export function readAnswer({ api, body }: Shape, text: string): ReadAnswer {
  if (api === 'responses') return body === 'sse' ? readResponsesStream(text) : readWholeResponse(parse(text))
  return body === 'sse' ? readStream(api, text) : readWhole(api, parse(text))
}

/** Whether a parsed body is an error as the protocol has it. */
export function isError(api: Api, body: Json): boolean {
  if (typeof body?.error?.message !== 'string') return false
  return api !== 'anthropic' || (body.type === 'error' && typeof body.error.type === 'string')
}

export function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readWhole(api: Api, body: Json): ReadAnswer {
  const parts: string[] =
    api === 'anthropic'
      ? (body?.content ?? []).map((block: Json) => block.text ?? '')
      : [body?.choices?.[0]?.message?.content ?? '']
  const reason = api === 'anthropic' ? body?.stop_reason : body?.choices?.[0]?.finish_reason
  const isWhole = typeof reason === 'string' && reason !== 'error'
  const text = parts.join('')
  return { text, hasContent: text !== '', isWhole, endsWithError: isError(api, body), beforeError: '' }
}

/** The events of a stream, each with its bytes. A piece without its empty line is no event. */
export function eventsOf(text: string): string[] {
  return text.replaceAll('\r\n', '\n').split('\n\n').slice(0, -1)
}

/** The data of an event; undefined where it has none. */
export function dataOf(event: string): string | undefined {
  return /^data: ?(.*)$/m.exec(event)?.[1]
}

function readStream(api: Api, text: string): ReadAnswer {
  const events = eventsOf(text)
  let said = ''
  let hasContent = false
  let isWhole = false
  let endsWithError = false
  for (const event of events) {
    const data = dataOf(event)
    if (data === undefined) continue
    const json = parse(data)
    endsWithError = isError(api, json)
    if (data === '[DONE]' || json?.type === 'message_stop') isWhole = true
    const delta = api === 'anthropic' ? json?.delta : json?.choices?.[0]?.delta
    const piece = api === 'anthropic' ? delta?.text : delta?.content
    said += piece ?? ''
    hasContent ||= Boolean(piece || delta?.thinking || delta?.partial_json || delta?.tool_calls)
  }
  const last = events.at(-1) ?? ''
  const beforeError = endsWithError ? text.slice(0, text.length - last.length - 2) : text
  return { text: said, hasContent, isWhole, endsWithError, beforeError }
}
