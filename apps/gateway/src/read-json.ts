import type { Client } from '@spillway/core-client'
import { parseBounded } from '@spillway/wire'

/** No answer about a model is larger, in bytes. */
const largest = 1024 * 1024

/** How long it may take in all, in milliseconds. */
const longest = 30_000

/** The JSON at a path of a client's endpoint; undefined where there is none. */
export async function readJson(
  client: Pick<Client, 'baseUrl' | 'fetch'>,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<unknown> {
  const signal = AbortSignal.timeout(longest)
  const response = await client.fetch(client.baseUrl + path, { headers: { ...headers }, signal })
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    // Leaving the loop cancels the rest.
    if (!response.ok || size > largest) return undefined
    chunks.push(chunk)
  }
  return parseBounded(Buffer.concat(chunks))
}
