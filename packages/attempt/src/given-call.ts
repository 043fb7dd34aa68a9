import type { JsonBody, RequestHeaders } from '@spillway/middleware/kit'
import type { Fetch, FetchInit, FetchInput } from './fetch-call.ts'

/** A model call in the form in which it was handed to a `fetch`, for the `fetch` below. */
export interface GivenCall {
  readonly url: string
  /** The `Request` that was given, of whichever implementation. */
  readonly request: Request | undefined
  /** As given, and as read. */
  readonly headers: unknown
  readonly readHeaders: RequestHeaders
  /** As given, unless it was used up by reading, and as read. */
  readonly body: unknown
  readonly readBody: JsonBody
  /** What else the `fetch` is to hear: `dispatcher`, `agent`, `redirect`, `next`, `cache` and the like. */
  readonly options: Readonly<Record<string, unknown>>
}

/** A request as policies have left it. */
export interface OutgoingCall {
  readonly fetch: Fetch
  readonly url: string
  readonly headers: RequestHeaders
  readonly body: JsonBody
  readonly signal: AbortSignal
}

/** Arguments for a `fetch`: text stays text, `Headers` stay `Headers`, a `Request` stays one. */
export function fetchArguments(
  { fetch, url, headers, body, signal }: OutgoingCall,
  given: GivenCall | undefined,
): [input: FetchInput, init?: FetchInit] {
  const init = {
    method: 'POST',
    headers: headersAsGiven(headers, given),
    body: bodyAsGiven(body, given) as GivenBody,
    signal,
  }
  if (given === undefined) return [url, init]
  const { request, options } = given
  if (request === undefined) return [url, { ...options, ...init }]
  // The platform's own takes no `Request` of another make.
  const isKnown = fetch !== globalThis.fetch || request instanceof Request
  if (!isKnown || url !== given.url) return [url, { ...optionsOf(request), ...options, ...init }]
  // Derived from the one that was given, it keeps what cannot be read from it, such as a dispatcher.
  const derive = request.constructor as typeof Request
  const derived = new derive(request, init)
  return Object.keys(options).length === 0 ? [derived] : [derived, options]
}

/** What a `Request` shows of its options; the first ones are node-fetch's. */
const optionNames = [
  'agent',
  'compress',
  'follow',
  'size',
  'timeout',
  'highWaterMark',
  'insecureHTTPParser',
  'redirect',
]

function optionsOf(request: Request): Record<string, unknown> {
  const read = request as unknown as Record<string, unknown>
  const options = optionNames.map((name) => [name, read[name]] as const)
  return Object.fromEntries(options.filter(([, value]) => value !== undefined && value !== 'follow'))
}

const decoder = new TextDecoder()

function bodyAsGiven(body: JsonBody, given: GivenCall | undefined): unknown {
  if (given === undefined) return body.bytes
  if (body === given.readBody) return given.body ?? body.bytes
  return typeof given.body === 'string' ? decoder.decode(body.bytes) : body.bytes
}

type GivenBody = Exclude<NonNullable<FetchInit>['body'], undefined>
type GivenHeaders = Exclude<NonNullable<FetchInit>['headers'], undefined>
type Pairs = readonly (readonly [name: string, value: string])[]

function headersAsGiven(headers: RequestHeaders, given: GivenCall | undefined): GivenHeaders {
  const asked = given?.headers
  if (given === undefined || typeof asked !== 'object' || asked === null) return { ...headers }
  if (isHeaders(asked)) {
    const copy = asked.constructor as new (init: object) => Headers
    return new copy(Object.entries(headers))
  }
  const isList = Symbol.iterator in asked
  const pairs = (isList ? [...(asked as unknown as Pairs)] : Object.entries(asked)) as Pairs
  const spelt = new Map(pairs.map(([name, value]) => [name.toLowerCase(), [name, value] as const]))
  const out = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    const [as = name] = spelt.get(name) ?? []
    const isChanged = !isList || value !== given.readHeaders[name]
    if (isChanged) return [[as, value]]
    return pairs.filter(([each]) => each.toLowerCase() === name).map(([each, one]) => [each, one])
  })
  return isList ? out : Object.fromEntries(out)
}

/** Of this platform, of node-fetch, or of another copy of undici. */
function isHeaders(headers: object): headers is Headers {
  const { append, get } = headers as Partial<Headers>
  return typeof append === 'function' && typeof get === 'function'
}
