import type { Fetch } from '@spillway/attempt'

/** How long the identity provider may take for an answer, in milliseconds. */
const patience = 5_000

/** Documents of identity providers are small. */
const mostBytes = 1_048_576

/** A `fetch` for documents: each is read whole within a time and a size, and redirects are not followed. */
export function boundedFetch(fetch: Fetch): Fetch {
  return async (input, init) => {
    const late = AbortSignal.timeout(patience)
    const signal = init?.signal ? AbortSignal.any([init.signal, late]) : late
    const response = await fetch(input, { ...init, redirect: 'manual', signal })
    const pieces: Uint8Array[] = []
    let size = 0
    for await (const piece of response.body ?? []) {
      size += piece.length
      // Leaving the loop cancels the body.
      if (size > mostBytes) throw new TypeError(`the answer has more than ${mostBytes} bytes`)
      pieces.push(piece)
    }
    const { status, headers } = response
    const isEmpty = [101, 204, 205, 304].includes(status)
    return new Response(isEmpty ? null : Buffer.concat(pieces), { status, headers: plainHeaders(headers) })
  }
}

/** The body is decoded already. */
function plainHeaders(headers: Headers): [string, string][] {
  return [...headers].filter(([name]) => !['content-encoding', 'content-length'].includes(name))
}
