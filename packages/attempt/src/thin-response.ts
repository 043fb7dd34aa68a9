import type { ModelResponse, ResponseBody } from '@spillway/middleware'
import { readBody } from '@spillway/middleware/kit'

const decoder = new TextDecoder()

/** Statuses that the Fetch standard allows no body. */
const bodiless = new Set([101, 204, 205, 304])

/**
 * A `Response` over a model response. Headers and web stream are made only on first access; readers
 * that iterate the stream get the bytes without passing through it.
 */
export class ThinResponse {
  readonly status: number
  readonly url: string
  readonly redirected: boolean
  readonly type: string
  readonly statusText: string
  readonly #response: ModelResponse
  readonly #body: ResponseBody
  #headers: Headers | undefined
  #stream: ReadableStream<Uint8Array> | undefined
  /** Owns the stream once the response has been cloned; the two branches are used up each by itself. */
  #cloned: Response | undefined
  #used = false

  /** `response instanceof Response` holds, as it does for the response of any fetch; every member is our own. */
  static #becomeResponse(): void {
    // With the first one: Node.js loads its whole fetch for whoever touches this class.
    if (Object.getPrototypeOf(ThinResponse.prototype) === Object.prototype)
      Object.setPrototypeOf(ThinResponse.prototype, Response.prototype)
  }

  constructor(response: ModelResponse, body: ResponseBody, url: string) {
    ThinResponse.#becomeResponse()
    const { fetched } = response
    this.status = response.status
    this.url = fetched?.url || url
    this.redirected = fetched?.redirected ?? false
    this.type = fetched?.type ?? 'default'
    this.statusText = fetched?.statusText ?? ''
    this.#response = response
    this.#body = body
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  get headers(): Headers {
    this.#headers ??= toHeaders(this.#response)
    return this.#headers
  }

  get bodyUsed(): boolean {
    return this.#cloned?.bodyUsed ?? this.#used
  }

  get #isUnusable(): boolean {
    return this.bodyUsed || (this.#cloned?.body ?? this.#stream)?.locked === true
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (bodiless.has(this.status)) return null
    if (this.#cloned !== undefined) return this.#cloned.body
    this.#stream ??= webStream(this.#body, () => {
      this.#used = true
    })
    return this.#stream
  }

  async bytes(): Promise<Uint8Array> {
    if (this.#isUnusable) throw new TypeError('Body is unusable: Body has already been read')
    if (this.#cloned !== undefined) return new Uint8Array(await this.#cloned.arrayBuffer())
    if (this.#stream !== undefined)
      return new Uint8Array(await new Response(this.#stream as never).arrayBuffer())
    this.#used = true
    return readBody(this.#body)
  }

  async text(): Promise<string> {
    return decoder.decode(await this.bytes())
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes()
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.arrayBuffer()], { type: this.headers.get('content-type') ?? '' })
  }

  formData(): Promise<FormData> {
    return this.#standard(this.body).formData() as Promise<FormData>
  }

  clone(): Response {
    if (this.#isUnusable) throw new TypeError('Response.clone: Body has already been consumed.')
    this.#cloned ??= this.#standard(this.body)
    const { url, redirected, type } = this
    // A standard response says none of these of itself, as its clone would.
    const facts = Object.entries({ url, redirected, type }).map(([name, value]) => [name, { value }])
    return Object.defineProperties(this.#cloned.clone(), Object.fromEntries(facts))
  }

  #standard(body: ReadableStream<Uint8Array> | null): Response {
    const { status, statusText, headers } = this
    return new Response(body as never, { status, statusText, headers })
  }
}

function toHeaders(response: ModelResponse): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value === 'string') headers.append(name, value)
    else for (const each of value) headers.append(name, each)
  }
  return headers
}

/**
 * A genuine web stream whose async iterator reads the body directly: a web stream costs several microseconds a
 * chunk, and the SDKs only iterate.
 */
function webStream(body: ResponseBody, onRead: () => void): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<Uint8Array> | undefined
  const next = (): Promise<IteratorResult<Uint8Array>> => {
    if (iterator === undefined) {
      iterator = body[Symbol.asyncIterator]()
      onRead()
    }
    return iterator.next()
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel(reason) {
        onRead()
        body.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  const iterate = stream[Symbol.asyncIterator]
  Object.defineProperty(stream, Symbol.asyncIterator, {
    configurable: true,
    value(this: ReadableStream<Uint8Array>, options?: { preventCancel?: boolean }) {
      if (this.locked) return Reflect.apply(iterate, this, [options])
      return {
        next,
        async return(value?: unknown) {
          onRead()
          if (options?.preventCancel !== true) body.cancel()
          return { done: true, value }
        },
        [Symbol.asyncIterator]() {
          return this
        },
      }
    },
  })
  return stream
}
