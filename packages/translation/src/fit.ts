import {
  deriveRequest,
  emit,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import {
  type JsonBody,
  type JsonObject,
  jsonBodyFromObject,
  omitField,
  peekBytes,
  withDefaults,
  withField,
  withKnownFields,
} from '@spillway/middleware/kit'
import { refuse } from '@spillway/wire'
import { findSources, keepSources, writeJson } from '@spillway/wire/internal'
import { degradedResponse } from './degraded-header.ts'
import { type ModelCapabilities, modelCapabilities } from './fit/capabilities.ts'
import { type Fitted, fitRequest, hasFittingThinking } from './fit/fit-request.ts'
import { alsoLarge, isLarge, nextTurn } from './turns.ts'
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
   * How much may be changed: everything that the model would not take (`all`), or no more than what other models have left
   * in the conversation (`thinking`), for a target whose model the callers choose themselves: they know what it takes.
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
  const { model, capabilities, scope } = withDefaults(fitDefaults, options)
  const known = new Map<string, ModelCapabilities>()
  const capabilitiesOf = (name: string): ModelCapabilities => {
    let found = known.get(name)
    if (found === undefined) {
      found = modelCapabilities(name, capabilities)
      // The names are the callers', who may think of any number.
      if (known.size >= mostKnown) known.clear()
      known.set(name, found)
    }
    return found
  }
  const fitted = (request: ModelRequest, json: JsonObject): Fitted => {
    const { api, body, headers } = request
    const name = model ?? request.model
    const isOtherModel = name !== request.model && request.model.includes('claude')
    const apiVersion = headers['anthropic-version']
    const call = { api, body: json, bytes: peekBytes(body), apiVersion, isOtherModel, scope }
    return fitRequest(call, capabilitiesOf(name))
  }
  const passOn = (next: Handler, request: ModelRequest, json: JsonObject): Promise<ModelResponse> => {
    const result = fitted(request, json)
    if (result.kind === 'fits') {
      return result.body === json ? next(request) : reduced(next, request, json, result)
    }
    const message = `${request.context.target ?? model ?? request.model}: ${result.reason}`
    return Promise.resolve(refuse(request, { kind: 'unfit', message }))
  }
  const fitting: Middleware = (next) => (request) => {
    const { api, body } = request
    // What a model takes of its items is not known yet; those who send them know.
    if (api === 'responses') return next(request)
    let json: JsonObject
    try {
      const isUntouched =
        scope === 'thinking' && hasFittingThinking(api, body, capabilitiesOf(model ?? request.model))
      if (isUntouched) return next(request)
      if (isLarge(body)) return inTurns(request, (parsed) => passOn(next, request, parsed))
      json = body.json
    } catch (error) {
      // Bodies that are no JSON are for the upstream to judge.
      return error instanceof SyntaxError ? next(request) : Promise.reject(error)
    }
    try {
      return passOn(next, request, json)
    } catch (error) {
      return Promise.reject(error)
    }
  }
  return named(fitting, 'fit', { options: { model, scope } })
}

/** Parses in one turn and goes on in another. What was scanned can be parsed. */
async function inTurns(
  request: ModelRequest,
  goOn: (json: JsonObject) => Promise<ModelResponse>,
): Promise<ModelResponse> {
  await nextTurn(request)
  const { json } = request.body
  await nextTurn(request)
  return goOn(json)
}

const mostKnown = 100

async function reduced(
  next: Handler,
  request: ModelRequest,
  json: JsonObject,
  { body, degraded }: Extract<Fitted, { kind: 'fits' }>,
): Promise<ModelResponse> {
  if (degraded.length > 0) emit(request, 'degraded', { losses: degraded })
  // What is left as it is, the inputs of tools above all, is written as it came.
  for (const _ of findSources(json, request.body.bytes)) if (isLarge(request.body)) await nextTurn(request)
  const changed = fittedBody(request.body, json, body)
  if (isLarge(request.body)) await nextTurn(request)
  return degradedResponse(await next(deriveRequest(request, { body: changed })), degraded)
}

/** The same body with the fields that have changed; all others keep their bytes. */
function fittedBody(before: JsonBody, from: JsonObject, to: JsonObject): JsonBody {
  let body = withKnownFields(before)
  for (const name of Object.keys({ ...from, ...to })) {
    if (body === undefined || from[name] === to[name]) continue
    body = to[name] === undefined ? omitField(body, name) : withField(body, name, to[name], writeJson)
    // Its name is written with escapes.
    if (to[name] === undefined && body.fields?.has(name)) body = undefined
  }
  return body ?? alsoLarge(jsonBodyFromObject(keepSources(to), writeJson), before)
}
