import type { FetchFacts, ResponseHeaders } from '@spillway/middleware/kit'
import { chunksOf } from './chunk-bytes.ts'

/** What is used of a `Response`, of whichever implementation. */
export interface FetchedResponse {
  readonly status: number
  readonly type?: string
  readonly url?: string
  readonly redirected?: boolean
  readonly statusText?: string
  readonly headers: unknown
  readonly body?: unknown
  readonly bodyUsed?: boolean
  arrayBuffer?(): Promise<ArrayBuffer>
  text?(): Promise<string>
}

/**
 * Checks what a `fetch` has returned.
 * @throws TypeError for what is no response, or one whose body has been read already
 */
export function checkedResponse(value: unknown): FetchedResponse {
  const response = value as FetchedResponse | null | undefined
  if (typeof response !== 'object' || response === null || typeof response.status !== 'number') {
    throw new TypeError(
      `the fetch that was given to Spillway returned ${described(value)} instead of a Response`,
    )
  }
  if (response.bodyUsed === true || (response.body as ReadableStream | undefined)?.locked === true) {
    throw new TypeError(
      'the fetch that was given to Spillway returned a Response whose body has been read: read a clone of it',
    )
  }
  return response
}

function described(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? 'an object without a status' : `a ${typeof value}`
}

/** What a response says of its way here; not every implementation does. */
export function fetchFacts({ type, url, redirected, statusText }: FetchedResponse): FetchFacts {
  return { type, url, redirected, statusText }
}

/** The chunks of a response's body; undefined where it has none. */
export function responseChunks(response: FetchedResponse): AsyncIterator<unknown> | undefined {
  const { body } = response
  if (body === null) return undefined
  return chunksOf(body) ?? wholeBody(response)
}

/** Some implementations have no streams, and no `body`. */
function wholeBody(response: FetchedResponse): AsyncIterator<unknown> | undefined {
  const { arrayBuffer, text } = response
  const read: (() => Promise<ArrayBuffer | string>) | undefined = arrayBuffer ?? text
  if (typeof read !== 'function') return undefined
  let isRead = false
  return {
    async next() {
      if (isRead) return { done: true, value: undefined }
      isRead = true
      return { done: false, value: await read.call(response) }
    },
  }
}

interface AnyHeaders {
  [Symbol.iterator]?(): Iterator<[string, unknown]>
  forEach?(callback: (value: unknown, name: string) => void): void
  getSetCookie?(): string[]
  raw?(): Record<string, string[]>
}

/** A fetch hands over decoded bytes, so what described the encoded ones no longer holds. */
export function responseHeaders(headers: unknown): ResponseHeaders {
  const read: Record<string, string | readonly string[]> = {}
  if (typeof headers !== 'object' || headers === null) return read
  for (const [name, value] of pairsOf(headers)) read[name.toLowerCase()] = String(value)
  const cookies = cookiesOf(headers)
  if (cookies !== undefined && cookies.length > 0) read['set-cookie'] = cookies
  if (read['content-encoding'] === undefined) return read
  const { 'content-encoding': _, 'content-length': __, ...decoded } = read
  return decoded
}

function pairsOf(headers: AnyHeaders): Iterable<readonly [string, unknown]> {
  if (typeof headers[Symbol.iterator] === 'function') return headers as Iterable<[string, unknown]>
  if (typeof headers.forEach !== 'function') return Object.entries(headers)
  const pairs: [string, unknown][] = []
  headers.forEach((value, name) => {
    pairs.push([name, value])
  })
  return pairs
}

/** Joined by commas cookies cannot be told apart, since dates have commas too. */
function cookiesOf(headers: AnyHeaders): readonly string[] | undefined {
  if (typeof headers.getSetCookie === 'function') return headers.getSetCookie()
  return typeof headers.raw === 'function' ? headers.raw()['set-cookie'] : undefined
}
