import type { Fetch } from '@spillway/attempt'
import { systemClock } from '@spillway/middleware'
import { fetch as undiciFetch } from 'undici'
import { type AuthScheme, authenticated } from './authentication.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { type Credential, tokenSource } from './credential.ts'

/**
 * A `fetch` over the client's connections for what is not a model call: listing models, files, batches. The
 * credential goes to the endpoint's own origin and nowhere else.
 */
export function plainFetch(
  pool: ConnectionPool,
  baseUrl: string,
  credential: Credential | null | undefined,
  scheme: AuthScheme,
): Fetch {
  const { origin } = new URL(baseUrl)
  const source = credential == null ? undefined : tokenSource(credential)
  return async (input, init) => {
    const request = new Request(input, init)
    const headers: Record<string, string> = Object.fromEntries(request.headers)
    const { 'x-api-key': _, authorization: __, ...bare } = headers
    const isOurs = new URL(request.url).origin === origin
    const token = isOurs ? await source?.token(systemClock) : undefined
    const sent = token
      ? authenticated(headers, token.value, scheme)
      : credential === undefined
        ? headers
        : bare
    const response = await undiciFetch(request.url, {
      method: request.method,
      headers: { ...sent },
      body: request.body === null ? null : new Uint8Array(await request.arrayBuffer()),
      signal: request.signal,
      redirect: request.redirect,
      dispatcher: pool.plain,
    })
    const { body, status, statusText } = response
    return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>> | null, {
      status,
      statusText,
      headers: Object.fromEntries(response.headers),
    })
  }
}
