import { type Clock, createRequest, type Handler, systemClock, type Timeouts } from '@spillway/middleware'
import { defaultTimeouts, describeAs, type NewModelRequest } from '@spillway/middleware/kit'
import { type Fetch, type FetchInit, type FetchInput, isModelCall, readFetchCall } from './fetch-call.ts'
import { guardStreamEnd } from './guard-stream-end.ts'
import { type NotCovered, tellerOfNotCovered } from './not-covered.ts'
import { ThinResponse } from './thin-response.ts'

/** What a {@link modelFetch} may be given besides its handler. */
export interface ModelFetchOptions {
  /** Where calls go that are not model calls: other paths, other methods, other bodies. */
  readonly otherwise: Fetch
  readonly clock?: Clock | undefined
  readonly timeouts?: Timeouts | undefined
  /**
   * Hears of the POSTs of a model API that go to `otherwise`, once for each kind.
   * @default no listener
   */
  readonly onNotCovered?: ((call: NotCovered) => void) | undefined
}

/**
 * A `fetch` whose model calls are answered by a handler. Errors of the upstream, timeouts and refusals come as
 * error responses in the protocol that was called; it rejects only when the caller aborts, and with errors of the program
 * itself.
 */
export function modelFetch(handler: Handler, options: ModelFetchOptions): Fetch {
  const answer = callAnswerer(handler, options)
  const fetch: Fetch = (input, init) => answer(input, init, options.otherwise)
  describeAs(fetch, { parts: [], next: handler })
  return fetch
}

/** What a request has besides what its caller said. */
type Extras = Pick<NewModelRequest, 'context' | 'listeners'>

/** {@link modelFetch} with another `otherwise` for each call. */
export function callAnswerer(
  handler: Handler,
  { clock = systemClock, timeouts = defaultTimeouts, onNotCovered }: Omit<ModelFetchOptions, 'otherwise'>,
): (input: FetchInput, init: FetchInit, otherwise: Fetch, extras?: Extras) => Promise<Response> {
  const tellNotCovered = onNotCovered && tellerOfNotCovered(onNotCovered)
  return async (input, init, otherwise, extras) => {
    const call = await readFetchCall(input, init, { clock, total: timeouts.total })
    if (!isModelCall(call)) {
      tellNotCovered?.(call)
      return otherwise(call.input, call.init)
    }
    const { given, ...asked } = call
    const context = { fetchCall: given, ...extras?.context }
    const response = await handler(createRequest({ ...asked, clock, timeouts, ...extras, context }))
    const body =
      response.failure === undefined && call.stream ? guardStreamEnd(response.body, call) : response.body
    return new ThinResponse(response, body, call.url) as unknown as Response
  }
}
