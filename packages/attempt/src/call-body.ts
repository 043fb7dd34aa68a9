import { concatBytes } from '@spillway/middleware/kit'
import { chunkBytes, chunksOf, isArrayBuffer } from './chunk-bytes.ts'
import type { BodyPatience } from './fetch-call.ts'

/** The body of a call as it was handed to a `fetch`. */
export interface CallBody {
  /** Undefined where there is none, where it cannot be JSON, and where it is too long to be kept. */
  readonly bytes: Uint8Array | undefined
  /** What to send in its place: the same, unless it was used up by reading. */
  readonly again: unknown
  /** The type that a `fetch` would say of it. */
  readonly type?: string | undefined
}

/** How many bytes are kept of a body that can be read only once. Longer ones are sent once, past all middleware. */
const longestStream = 32 * 1024 * 1024

const encoder = new TextEncoder()

/**
 * Reads whatever a `fetch` takes as a body: text, bytes, blobs, web streams, streams of Node and other async iterables. A
 * middleware may send it several times, so one that can be read only once is kept, as far as it has a sensible length.
 * @throws what a stream fails with; the signal's reason when it aborts; a `TimeoutError` when a stream takes too long
 */
export async function readCallBody(
  body: unknown,
  limits: BodyPatience & { readonly signal: AbortSignal | undefined },
): Promise<CallBody> {
  if (typeof body === 'string') return { bytes: encoder.encode(body), again: body }
  if (ArrayBuffer.isView(body) || isArrayBuffer(body)) return { bytes: chunkBytes(body), again: body }
  const isUnread = typeof body !== 'object' || body === null || isForm(body)
  if (isUnread || (body as ReadableStream).locked === true) return { bytes: undefined, again: body }
  const { arrayBuffer, type } = body as Blob
  if (typeof arrayBuffer === 'function') {
    const bytes = new Uint8Array(await arrayBuffer.call(body))
    return { bytes, again: body, type: type === '' ? undefined : type }
  }
  const chunks = chunksOf(body)
  if (chunks === undefined) return { bytes: undefined, again: body }
  return readStream(chunks, limits)
}

/** Forms are for other calls: a model's is JSON. */
function isForm(body: object): boolean {
  return (
    body instanceof FormData ||
    body instanceof URLSearchParams ||
    typeof (body as { getBoundary?: unknown }).getBoundary === 'function'
  )
}

async function readStream(
  chunks: AsyncIterator<unknown>,
  limits: BodyPatience & { readonly signal: AbortSignal | undefined },
): Promise<CallBody> {
  const { clock, total, signal } = limits
  const read: Uint8Array[] = []
  let length = 0
  const given = Promise.withResolvers<never>()
  const leave = (): void => given.reject(signal?.reason)
  const cancelTimer = clock.setTimer(total, () =>
    given.reject(new DOMException(`the body of the call did not come within ${total} ms`, 'TimeoutError')),
  )
  signal?.addEventListener('abort', leave, { once: true })
  if (signal?.aborted) leave()
  try {
    for (;;) {
      const { done, value } = await Promise.race([given.promise, chunks.next()])
      if (done) break
      const bytes = chunkBytes(value)
      read.push(bytes)
      length += bytes.length
      if (length > longestStream) return { bytes: undefined, again: rejoined(read, chunks) }
    }
    const bytes = concatBytes(read)
    return { bytes, again: bytes }
  } catch (error) {
    quietly(() => chunks.return?.())
    throw error
  } finally {
    cancelTimer()
    signal?.removeEventListener('abort', leave)
  }
}

/** What was read of a stream, and then the rest of it. */
function rejoined(read: Uint8Array[], rest: AsyncIterator<unknown>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const kept = read.shift()
      if (kept !== undefined) return controller.enqueue(kept)
      const { done, value } = await rest.next()
      if (done) controller.close()
      else controller.enqueue(chunkBytes(value))
    },
    async cancel() {
      await rest.return?.()
    },
  })
}

/** Ends what no reader waits for. */
export function quietly(end: () => Promise<unknown> | undefined): void {
  try {
    end()?.catch(() => {})
  } catch {
    // It has ended.
  }
}
