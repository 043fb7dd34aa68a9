const encoder = new TextEncoder()

/**
 * A chunk of a stream as bytes: streams of Node also carry text.
 * @throws TypeError for anything else
 */
export function chunkBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return encoder.encode(chunk)
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (isArrayBuffer(chunk)) return new Uint8Array(chunk)
  throw new TypeError(`a body must be a stream of bytes or text, but has a chunk of type ${typeof chunk}`)
}

/** Also one of another realm. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  const tag = Object.prototype.toString.call(value)
  return tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]'
}

/** The chunks of a web stream, of a stream of Node, or of any other async iterable; undefined for anything else. */
export function chunksOf(body: unknown): AsyncIterator<unknown> | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  // Not every web stream can be iterated.
  if (typeof (body as ReadableStream).getReader === 'function') return readerOf(body as ReadableStream)
  const iterate = (body as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator]
  if (typeof iterate !== 'function') return undefined
  const iterator = iterate.call(body) as AsyncIterator<unknown>
  const { destroy } = body as { destroy?: unknown }
  if (typeof destroy !== 'function') return iterator
  // An iterator over a stream of Node ends only behind its pending read: the stream itself ends at once.
  return {
    next: () => iterator.next(),
    return: () => {
      destroy.call(body)
      return Promise.resolve({ done: true, value: undefined })
    },
  }
}

function readerOf(stream: ReadableStream): AsyncIterator<unknown> {
  const reader = stream.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async () => {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}
