import type { Transport, TransportHandle } from '@spillway/attempt'
import { type Api, createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromBytes, type ResponseHeaders } from '@spillway/middleware/kit'

/** What came out of a transport. */
export interface Received {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly text: string
}

/** A call in flight. */
export interface Call {
  readonly handle: TransportHandle
  /** The text so far, chunk by chunk. */
  readonly chunks: string[]
  /** Whether the sink heard of the end. */
  readonly ended: () => boolean
  readonly done: Promise<Received>
}

/** A request with this body, parsed no further. */
export function requestOf(api: Api, body: unknown, changes: Partial<ModelRequest> = {}): ModelRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const { stream = false, model = '' } =
    typeof body === 'object' ? (body as { stream?: boolean; model?: string }) : {}
  const json = jsonBodyFromBytes(new TextEncoder().encode(text))
  return { ...createRequest({ api, model, stream, url: '/', body: json }), ...changes }
}

/** Sends a request; `onChunk` runs inside the sink. */
export function call(transport: Transport, request: ModelRequest, onChunk?: (call: Call) => void): Call {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const { promise, resolve, reject } = Promise.withResolvers<Received>()
  const chunks: string[] = []
  let status = 0
  let headers: ResponseHeaders = {}
  let ended = false
  let returned = false
  const heard = (): void => {
    if (!returned) reject(new Error('the sink was called before the transport had returned'))
    if (ended) reject(new Error('the sink was called after the end'))
  }
  const handle = transport(request, {
    headers(code, fields) {
      heard()
      status = code
      headers = fields
    },
    data(chunk) {
      heard()
      chunks.push(decoder.decode(chunk))
      onChunk?.(result)
    },
    end() {
      heard()
      ended = true
      resolve({ status, headers, text: chunks.join('') })
    },
    error: reject,
    fault: reject,
  })
  returned = true
  const result: Call = { handle, chunks, ended: () => ended, done: promise }
  return result
}

/** A `fetch` for the official SDKs whose answers are the transport's bytes. */
export function fetchOver(transport: Transport, api: Api): typeof globalThis.fetch {
  return async (_url, init) => {
    const { done } = call(transport, requestOf(api, JSON.parse(String(init?.body))))
    const { status, headers, text } = await done
    return new Response(text, { status, headers: headers as Record<string, string> })
  }
}

/** Parsed JSON of any shape. */
export type Json = ReturnType<typeof JSON.parse>

/** The `data:` objects of a stream, and the `event:` names beside them. */
export function eventsOf(text: string): { name: string | undefined; data: Json }[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => ({
      name: /^event: (.*)$/m.exec(event)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(event)?.[1]?.replace('[DONE]', '"[DONE]"') ?? 'null'),
    }))
}
