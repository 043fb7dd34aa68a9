import {
  type Clock,
  createRequest,
  defaultTimeouts,
  describeAs,
  type Handler,
  systemClock,
  type Timeouts,
} from '@spillway/middleware'
import { type Fetch, type FetchInit, type FetchInput, isModelCall, readFetchCall } from './fetch-call.ts'
import { sealBody } from './sealed-body.ts'
import { ThinResponse } from './thin-response.ts'

/** What a {@link modelFetch} may be given besides its handler. */
export interface ModelFetchOptions {
  /** Where calls go that are not model calls: other paths, other methods, other bodies. */
  readonly otherwise: Fetch
  readonly clock?: Clock | undefined
  readonly timeouts?: Timeouts | undefined
}

/**
 * A `fetch` whose model calls are answered by a handler. Errors of the upstream, timeouts and refusals come as
 * error responses in the protocol that was called; it rejects only when the caller aborts, and with errors of the program
 * itself.
 */
export function modelFetch(handler: Handler, options: ModelFetchOptions): Fetch {
  const { otherwise, clock = systemClock, timeouts = defaultTimeouts } = options
  const fetch: Fetch = async (input: FetchInput, init?: FetchInit) => {
    const call = await readFetchCall(input, init, { clock, total: timeouts.total })
    if (!isModelCall(call)) return otherwise(call.input, call.init)
    const request = createRequest({ ...call, clock, timeouts, context: { fetchOptions: call.options } })
    const response = await handler(request)
    const body =
      response.failure === undefined && call.stream ? sealBody(response.body, call.api) : response.body
    return new ThinResponse(response, body, call.url) as unknown as Response
  }
  describeAs(fetch, { parts: [], next: handler })
  return fetch
}
