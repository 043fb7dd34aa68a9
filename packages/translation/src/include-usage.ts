import {
  deriveRequest,
  type Failure,
  type Middleware,
  type ModelRequest,
  named,
  type ResponseBody,
} from '@spillway/middleware'
import { BodyChannel, fieldOf, type JsonBody, type JsonObject, withField } from '@spillway/middleware/kit'
import { SseScanner } from '@spillway/wire'
import { header } from '@spillway/wire/internal'

/** How long a server that refused the option is not asked again, in milliseconds: it may have been brought up to date. */
const refusalHolds = 3_600_000

/**
 * Asks servers that speak chat completions for the usage of streams (`stream_options.include_usage`), which they else do not
 * tell, and keeps the chunk that has it from callers who did not ask. Goes next to the client. Servers that refuse the option
 * are asked without it, and for an hour no more.
 */
export function includeUsage(): Middleware {
  let refusedUntil = Number.NEGATIVE_INFINITY
  const asking: Middleware = (next) => async (request) => {
    const { clock } = request
    const body = clock.now() < refusedUntil ? undefined : askingBody(request)
    if (body === undefined) return next(request)
    const response = await next(deriveRequest(request, { body }))
    if (refusesOption(response.failure)) {
      response.body.cancel()
      const again = await next(request)
      // An error that only quotes the option would come again.
      if (again.failure === undefined) refusedUntil = clock.now() + refusalHolds
      return again
    }
    const isStream = header(response.headers, 'content-type')?.startsWith('text/event-stream') ?? false
    if (response.failure !== undefined || !isStream) return response
    return { ...response, body: withoutUsage(response.body) }
  }
  return named(asking, 'include usage')
}

/** The body that asks for usage; undefined where the caller does so already, or where there is nothing to ask. */
function askingBody({ api, operation, stream, body }: ModelRequest): JsonBody | undefined {
  if (api !== 'openai' || operation !== 'generate' || !stream) return undefined
  try {
    const options = fieldOf(body, 'stream_options', 1_024) ?? {}
    if (typeof options !== 'object' || Array.isArray(options)) return undefined
    if ((options as JsonObject).include_usage === true) return undefined
    return withField(body, 'stream_options', { ...options, include_usage: true })
  } catch {
    // Only the upstream can judge such a body.
    return undefined
  }
}

function refusesOption(failure: Failure | undefined): boolean {
  return failure?.kind === 'invalid_request' && /stream_options|include_usage/.test(failure.message)
}

/** The stream without the chunk that has nothing but its usage. It comes in whole events, as attempts pass them on. */
function withoutUsage(body: ResponseBody): ResponseBody {
  const channel = new BodyChannel({
    pause: () => {},
    resume: () => body.resume(),
    cancel: (reason) => body.cancel(reason),
  })
  body.pipe({
    write(chunk) {
      channel.push(withoutUsageEvents(chunk))
      return !channel.paused
    },
    end: () => channel.end(),
    fail: (error) => channel.fail(error),
  })
  return channel
}

const usageBeginnings = ['"usage":{', '"usage": {'].map((text) => Buffer.from(text))

function withoutUsageEvents(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!usageBeginnings.some((beginning) => buffer.includes(beginning))) return bytes
  const cuts: (readonly [start: number, end: number])[] = []
  const scanner = new SseScanner((event) => {
    if (hasOnlyUsage(event.data)) cuts.push([event.start, event.end])
  })
  const events = scanner.push(bytes)
  if (cuts.length === 0) return bytes
  const kept: Uint8Array[] = []
  let from = 0
  for (const [start, end] of cuts) {
    kept.push(events.subarray(from, start))
    from = end
  }
  return Buffer.concat([...kept, events.subarray(from), scanner.rest()])
}

function hasOnlyUsage(data: string): boolean {
  try {
    const { choices, usage } = JSON.parse(data) as JsonObject
    return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null
  } catch {
    return false
  }
}
