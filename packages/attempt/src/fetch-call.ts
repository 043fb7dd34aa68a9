import type { Clock } from '@spillway/middleware'
import { type JsonBody, jsonBodyFromBytes, type RequestHeaders } from '@spillway/middleware/kit'
import { type RecognisedCall, recogniseCall } from '@spillway/wire'
import { type CallBody, readCallBody } from './call-body.ts'
import type { GivenCall } from './given-call.ts'

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
  /** For the `fetch` below. */
  readonly given: GivenCall
}

/** What is left untouched, in arguments that still can be sent. */
export interface OtherCall {
  readonly input: FetchInput
  readonly init: FetchInit
  readonly method: string
  readonly url: string
  /** Whether its path is a model call's, and only its body is none. */
  readonly isCallPath: boolean
}

/** What limits the wait for a body that is streamed. */
export interface BodyPatience {
  readonly clock: Clock
  /** In milliseconds. */
  readonly total: number
}

/**
 * Reads a model call from the arguments of `fetch`. Anything else is left untouched: other paths and methods, and bodies
 * that only the upstream can judge. What had to be read of a body that can be read only once is put back.
 */
export async function readFetchCall(
  input: FetchInput,
  init: FetchInit,
  patience: BodyPatience,
): Promise<FetchCall | OtherCall> {
  const request = isRequest(input) ? input : undefined
  const url = request?.url ?? String(input)
  const method = (init?.method ?? request?.method ?? 'GET').toUpperCase()
  const recognised = recogniseCall(method, pathnameOf(url))
  const other = { input, init, method, url, isCallPath: recognised !== undefined }
  if (recognised === undefined) return other
  const { signal: ofInit } = init ?? {}
  const signal = ofInit ?? (ofInit === null ? undefined : request?.signal) ?? undefined
  const own = init?.body ?? undefined
  const given = await readCallBody(own ?? request?.clone().body, { ...patience, signal })
  const call = given.bytes && readAsked(jsonBodyFromBytes(given.bytes), recognised)
  if (call === undefined) {
    // The clone of a request was read, not the request.
    if (own === undefined || given.again === own) return other
    return { ...other, init: { ...init, body: given.again, ...halfDuplex(given) } as FetchInit }
  }
  const asked = init?.headers ?? request?.headers
  const readHeaders = readHeaderPairs(asked)
  return {
    ...recognised,
    ...call,
    url,
    headers:
      given.type === undefined || 'content-type' in readHeaders
        ? readHeaders
        : { ...readHeaders, 'content-type': given.type },
    signal,
    given: {
      url,
      request,
      headers: asked,
      readHeaders,
      body: own === undefined ? undefined : given.again,
      readBody: call.body,
      options: otherOptions(init),
    },
  }
}

export function isModelCall(call: FetchCall | OtherCall): call is FetchCall {
  return 'model' in call
}

/** A `Request`, also one of another implementation: node-fetch has its own, and so has each copy of undici. */
function isRequest(input: FetchInput): input is Request {
  if (input instanceof Request) return true
  if (typeof input !== 'object' || input === null) return false
  const { url, method, clone } = input as Partial<Request>
  return typeof url === 'string' && typeof method === 'string' && typeof clone === 'function'
}

const halfDuplex = ({ again }: CallBody): object =>
  again instanceof ReadableStream ? { duplex: 'half' } : {}

/** The facts that policies decide by; undefined where the body is not a call's at all. */
function readAsked(
  body: JsonBody,
  called: RecognisedCall,
): { body: JsonBody; model: string; stream: boolean } | undefined {
  try {
    const { json } = body
    // Bedrock has a protocol for each vendor; that of Claude names its version.
    if (called.venue === 'bedrock' && typeof json.anthropic_version !== 'string') return undefined
    const { model = json.model, stream = json.stream === true } = called
    return typeof model === 'string' ? { body, model, stream } : undefined
  } catch {
    return undefined
  }
}

function pathnameOf(url: string): string {
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

/** What an attempt sets itself. Bytes need no `duplex`. */
const ownOptions: ReadonlySet<string> = new Set(['method', 'headers', 'body', 'signal', 'duplex'])

function otherOptions(init: FetchInit): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(init ?? {}).filter(([name, value]) => value !== undefined && !ownOptions.has(name)),
  )
}

function readHeaderPairs(headers: NonNullable<FetchInit>['headers']): RequestHeaders {
  const read: Record<string, string> = {}
  if (headers === undefined) return read
  const pairs = Symbol.iterator in headers ? (headers as Iterable<[string, string]>) : Object.entries(headers)
  for (const [name, value] of pairs) {
    if (value === undefined) continue
    const key = name.toLowerCase()
    const earlier = Object.hasOwn(read, key) ? read[key] : undefined
    read[key] = earlier === undefined ? String(value) : `${earlier}, ${value}`
  }
  return read
}
