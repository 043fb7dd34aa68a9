import type { Client } from '@spillway/core-client'
import { normaliseBaseUrl } from '@spillway/wire'
import { parseBounded } from '@spillway/wire/internal'

/** No answer about one model is larger, in bytes. */
const largestAnswer = 1024 * 1024

/** How long it may take in all, in milliseconds. */
const longest = 30_000

/** The JSON at a path of a client's endpoint; undefined where there is none. */
export async function readJson(
  client: Pick<Client, 'baseUrl' | 'fetch'>,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<unknown> {
  return (await readAnswer(client, path, headers, { largest: largestAnswer })).value
}

/** What an endpoint answers to a question. */
export interface ReadAnswer {
  readonly status: number
  /** Undefined where it is no success, or no JSON. */
  readonly value: unknown
}

/** What bounds an answer. */
export interface ReadBounds {
  /** In bytes. */
  readonly largest: number
  /** Ends it earlier. */
  readonly signal?: AbortSignal | undefined
}

/** The same with its status, and with other bounds. */
export async function readAnswer(
  client: Pick<Client, 'baseUrl' | 'fetch'>,
  path: string,
  headers: Readonly<Record<string, string>>,
  { largest, signal: ending }: ReadBounds,
): Promise<ReadAnswer> {
  const limit = AbortSignal.timeout(longest)
  const signal = ending === undefined ? limit : AbortSignal.any([limit, ending])
  const url = normaliseBaseUrl(client.baseUrl) + path
  const response = await client.fetch(url, { headers: { ...headers }, signal })
  const { status } = response
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    // Leaving the loop cancels the rest.
    if (!response.ok || size > largest) return { status, value: undefined }
    chunks.push(chunk)
  }
  return { status, value: response.ok ? parseBounded(Buffer.concat(chunks)) : undefined }
}
