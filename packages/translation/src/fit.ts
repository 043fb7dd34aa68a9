import { deriveRequest, emit, type Failure, jsonBodyFromObject, type Middleware } from '@spillway/middleware'
import {
  type Fitted,
  failureResponse,
  fitRequest,
  type ModelCapabilities,
  modelCapabilities,
} from '@spillway/wire'
import { degradedResponse } from './degraded-header.ts'
import './events.ts'

export interface FitOptions {
  /**
   * The model that answers on this target, whatever model is asked for.
   * @default undefined: the model of the request
   */
  readonly model?: string | undefined
  /**
   * What you know better than the table, of a local model above all: `{ contextTokens: 8192, images: false }`.
   * @default {}
   */
  readonly capabilities?: Partial<ModelCapabilities>
  /**
   * How much may be changed: everything that the model would not take (`all`), or no more than thinking that is not its
   * own (`thinking`), for a target whose model the callers choose themselves: they know what it takes.
   * @default 'all'
   */
  readonly scope?: 'all' | 'thinking'
}

/** The defaults of {@link FitOptions}. */
export const fitDefaults: Required<FitOptions> = {
  model: undefined,
  capabilities: {},
  scope: 'all',
}

/**
 * Fits each request to what the model of a target takes: reduces it openly (`x-spillway-degraded`, event `degraded`), or
 * refuses it with the failure `unfit`, on which `fallback` goes on to the next target. Requests that fit pass untouched,
 * byte for byte.
 */
export function fit(options: FitOptions = {}): Middleware {
  const { model, capabilities, scope } = { ...fitDefaults, ...options }
  return (next) => async (request) => {
    let fitted: Fitted
    const name = model ?? request.model
    const known = modelCapabilities(name, capabilities)
    try {
      const isOtherModel = name !== request.model && request.model.includes('claude')
      const { api, body, headers } = request
      fitted = fitRequest(
        { api, body: body.json, apiVersion: headers['anthropic-version'], isOtherModel, scope },
        known,
      )
    } catch (error) {
      // Bodies that are no JSON are for the upstream to judge.
      if (error instanceof SyntaxError) return next(request)
      throw error
    }
    if (fitted.kind === 'skip') {
      const failure = unfit(`${request.context.target ?? name}: ${fitted.reason}`)
      emit(request, 'refused', { failure })
      return failureResponse(request, failure)
    }
    const { body, degraded } = fitted
    if (body === request.body.json) return next(request)
    if (degraded.length > 0) emit(request, 'degraded', { losses: degraded })
    return degradedResponse(await next(deriveRequest(request, { body: jsonBodyFromObject(body) })), degraded)
  }
}

function unfit(message: string): Failure {
  return { kind: 'unfit', message, retryable: false, scope: 'request', origin: 'spillway' }
}
