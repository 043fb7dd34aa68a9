import { type JsonBody, jsonBodyFromBytes, type RequestHeaders } from '@spillway/middleware'
import { type RecognisedCall, recogniseCall } from '@spillway/wire'

/** The type of the global `fetch`. */
export type Fetch = typeof globalThis.fetch
export type FetchInput = Parameters<Fetch>[0]
export type FetchInit = Parameters<Fetch>[1]

/** A model call as it was handed to a `fetch`. */
export interface FetchCall extends RecognisedCall {
  readonly url: string
  readonly headers: RequestHeaders
  readonly body: JsonBody
  readonly model: string
  readonly stream: boolean
  readonly signal: AbortSignal | undefined
}

const encoder = new TextEncoder()

/**
 * Reads a model call from the arguments of `fetch`. Undefined for anything else, which is left untouched: other
 * paths and methods, and bodies that only the upstream can judge.
 */
export async function readFetchCall(input: FetchInput, init: FetchInit): Promise<FetchCall | undefined> {
  const request = input instanceof Request ? input : undefined
  const url = request?.url ?? String(input)
  const recognised = recogniseCall((init?.method ?? request?.method ?? 'GET').toUpperCase(), pathnameOf(url))
  if (recognised === undefined) return undefined
  const bytes = await readBytes(init?.body ?? request?.clone().body)
  if (bytes === undefined) return undefined
  const body = jsonBodyFromBytes(bytes)
  const asked = readAsked(body)
  if (asked === undefined) return undefined
  const { signal } = init ?? {}
  return {
    ...recognised,
    ...asked,
    url,
    body,
    headers: readHeaders(init?.headers ?? request?.headers),
    signal: signal ?? (signal === null ? undefined : request?.signal),
  }
}

/** The facts that policies decide by; undefined where the body is not a call's at all. */
function readAsked(body: JsonBody): { model: string; stream: boolean } | undefined {
  try {
    const { model, stream } = body.json
    return typeof model === 'string' ? { model, stream: stream === true } : undefined
  } catch {
    return undefined
  }
}

function pathnameOf(url: string): string {
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

type Body = NonNullable<FetchInit>['body'] | ReadableStream

async function readBytes(body: Body): Promise<Uint8Array | undefined> {
  if (typeof body === 'string') return encoder.encode(body)
  if (body instanceof Uint8Array) return body
  if (body === null || body === undefined) return undefined
  if (body instanceof ReadableStream && body.locked) return undefined
  return new Uint8Array(await new Response(body as string).arrayBuffer())
}

function readHeaders(headers: NonNullable<FetchInit>['headers']): RequestHeaders {
  const read: Record<string, string> = {}
  if (headers === undefined) return read
  const pairs =
    headers instanceof Headers || Array.isArray(headers) || Symbol.iterator in headers
      ? (headers as Iterable<[string, string]>)
      : Object.entries(headers)
  for (const [name, value] of pairs) {
    if (value === undefined) continue
    const key = name.toLowerCase()
    const earlier = Object.hasOwn(read, key) ? read[key] : undefined
    read[key] = earlier === undefined ? String(value) : `${earlier}, ${value}`
  }
  return read
}
