import { compose, type Listener, type Middleware } from '@spillway/middleware'
import { describeAs, emitWarning } from '@spillway/middleware/kit'
import { attempt } from './attempt.ts'
import type { Fetch, FetchInit } from './fetch-call.ts'
import { transportOver } from './fetch-transport.ts'
import { callAnswerer } from './model-fetch.ts'
import { type NotCovered, warnOfNotCovered } from './not-covered.ts'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** Sends an attempt on in the SDK in whose middleware the call is. */
    readonly sdkNext?: Fetch | undefined
  }
}

/** A request as `@anthropic-ai/sdk` hands it to its middleware. */
export interface SdkRequest extends NonNullable<FetchInit> {
  url: string
}

/** The rest of an SDK's own chain: signing, the venue's form, and its `fetch`. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's own type of a request is narrower in each of its packages
export type SdkNext = (request: any) => Promise<Response>

/** Besides policies, what a {@link sdkMiddleware} may be given. */
export interface SdkMiddlewareOptions {
  /**
   * Hears of POSTs of a model API that pass no policy, such as batches and files; once for each kind, of eight kinds at most.
   * @default a warning of the process, `SPILLWAY_NOT_COVERED`
   */
  readonly onNotCovered?: ((call: NotCovered) => void) | undefined
}

/**
 * Policies as a middleware of `@anthropic-ai/sdk` 1.x and of the clients made of it, whatever the venue:
 * `new AnthropicBedrock({ middleware: [sdkMiddleware(retry())], maxRetries: 0 })`. The first policy listed is the outermost.
 *
 * Each attempt goes on through the SDK: signed again, in the venue's form, with its `fetch` and its `timeout`. List it last,
 * so that the SDK's other middleware sees calls and not attempts. The SDK repeats none of what `retry` has given up; that it
 * repeats calls after its own `timeout` is a warning once (`SPILLWAY_SDK_RETRIES`): `maxRetries: 0` turns it off.
 */
export function sdkMiddleware(
  first?: SdkMiddlewareOptions | Middleware,
  ...others: readonly Middleware[]
): (request: SdkRequest, next: SdkNext) => Promise<Response> {
  const isPolicy = typeof first === 'function'
  const { onNotCovered = warnOfNotCovered } = isPolicy ? {} : (first ?? {})
  const policies = isPolicy ? [first, ...others] : others
  const transport = transportOver(({ context }) => context.sdkNext as Fetch)
  const handler = compose(policies, attempt(transport))
  const answer = callAnswerer(handler, { onNotCovered })
  const retries = watchRetries()
  const middleware = ({ url, ...init }: SdkRequest, next: SdkNext): Promise<Response> => {
    const sdkNext = ((input, changed) => next({ ...changed, url: String(input) })) as Fetch
    retries.see(init.headers)
    return answer(url, init, sdkNext, { context: { sdkNext }, listeners: [retries.listener()] })
  }
  describeAs(middleware, { parts: [], next: handler })
  return middleware
}

/** Tells once where both the policies and the SDK repeat calls. */
function watchRetries(): { see(headers: unknown): void; listener(): Listener } {
  let hasRepeated = false
  let hasWarned = false
  return {
    see(headers) {
      if (!hasRepeated || hasWarned) return
      const count = (headers as Partial<Headers> | undefined)?.get?.('x-stainless-retry-count') ?? '0'
      if (!(Number(count) > 0)) return
      hasWarned = true
      const text =
        'the SDK repeats calls whose attempts a policy of its middleware repeats already, which multiplies them: ' +
        'set maxRetries: 0 on the client'
      emitWarning(text, 'SPILLWAY_SDK_RETRIES')
    },
    listener() {
      let attempts = 0
      return ({ type }) => {
        if (type === 'attempt.started' && ++attempts > 1) hasRepeated = true
      }
    },
  }
}
