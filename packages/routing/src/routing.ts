import {
  deriveRequest,
  emit,
  type Failure,
  type Handler,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import { type Conversation, conversationOf, isKeyFailure } from '@spillway/wire'
import { CallersKeys } from './callers-keys.ts'
import { type Asked, type Choice, choose, chooseHedge, keyTo, type Pool } from './choice.ts'
import { Conversations } from './conversations.ts'
import { createEndpoints, type Endpoint, type EndpointState, kindOf, stateOf } from './endpoint.ts'
import { FailedCalls } from './failed-calls.ts'
import { Health, type Sent } from './health.ts'
import { type Hedge, withHedge } from './hedge.ts'
import { HedgeBudget } from './hedge-budget.ts'
import { type EndpointOptions, type RoutingOptions, readOptions } from './options.ts'
import { createOutliers } from './outliers.ts'

/** Endpoints and how calls are spread over them. */
export interface RoutingSetup extends RoutingOptions {
  /** One or more; of several that are equally good the weights decide, not the order. */
  readonly endpoints: readonly EndpointOptions[]
}

/** Several endpoints as one handler, and what can be read of them. */
export interface Routing {
  readonly handler: Handler
  /** What is known of each, in their order, as of the last call. */
  endpoints(): readonly EndpointState[]
  /** Forgets conversations and starts no hedges any more; calls in flight continue. */
  close(): void
}

/** Quantiles of fewer latencies are not worth a hedge. */
const leastForHedge = 20

/**
 * One handler for several endpoints; see {@link createRouting} for one to look into.
 * @throws RangeError for endpoints or options out of range
 */
export function balance(endpoints: readonly EndpointOptions[], options: RoutingOptions = {}): Handler {
  return createRouting({ ...options, endpoints }).handler
}

/**
 * Spreads calls over endpoints. A conversation stays where its prompt cache is; everything else goes, of two endpoints
 * drawn by weight, to the one with the lower peak EWMA of time to first token times load. Endpoints that do worse than
 * the others and keys that the vendor refuses are left out for a while.
 *
 * A refused key, Spillway's own refusals and a model that an endpoint does not have send a call to the next endpoint at once.
 * Everything else is returned to `retry`, which is outside; when the call comes again, endpoints that it has not tried go first.
 * @throws RangeError for endpoints or options out of range
 */
export function createRouting(setup: RoutingSetup): Routing {
  const settings = readOptions(setup.endpoints, setup)
  const { affinity, ejection, hedge } = settings
  const endpoints = createEndpoints(setup.endpoints, settings)
  const conversations = affinity ? new Conversations(endpoints, affinity.maxConversations) : undefined
  const pool: Pool = {
    endpoints,
    conversations,
    boundedLoad: affinity ? affinity.boundedLoad : Infinity,
    probePatience: ejection ? ejection.baseTime : 0,
    inFlight: 0,
    objections: new Uint8Array(endpoints.length),
    usual: { streamed: 0, whole: 0 },
  }
  const hasCallers = endpoints.some(({ key }) => key.isCallers)
  const callers = setup.caller && hasCallers ? new CallersKeys(setup.caller, settings.keys) : undefined
  const outliers = createOutliers(endpoints, ejection, settings.window)
  const health = new Health(pool, outliers, settings.maxRetryAfter, callers)
  const failedCalls = new FailedCalls()
  const hedges = hedge ? new HedgeBudget(hedge.maxExtra) : undefined
  let lastNow = 0
  let isClosed = false

  /** A prompt cache belongs to a key, so the same prompts of two callers are two conversations. */
  const conversationAt = (request: ModelRequest): Conversation | undefined => {
    const found = conversationOf(request)
    const conversation = found && request.context.goesOn ? { ...found, isFirstTurn: false } : found
    if (callers === undefined || conversation === undefined) return conversation
    return { ...conversation, key: `${callers.nameOf(request)}\n${conversation.key}` }
  }

  const ask = (request: ModelRequest, excluded: readonly Endpoint[]): Asked => {
    const { clock } = request
    lastNow = clock.now()
    return {
      now: lastNow,
      random: () => clock.random(),
      kind: kindOf(request),
      conversation: conversations && conversationAt(request),
      callersKey: callers?.find(request),
      mayProbe: !request.context.isShadow,
      tried: failedCalls.tried(request),
      excluded,
    }
  }

  /** Sends a call on until an endpoint takes it on, for good or ill. `asked` tells who was asked. */
  const sendOn = async (request: ModelRequest, asked: Endpoint[]): Promise<ModelResponse> => {
    let kept: ModelResponse | undefined
    for (;;) {
      const facts = ask(request, asked)
      const choice = choose(pool, facts)
      if (choice === undefined || (kept !== undefined && choice.key.suspension.isOut)) {
        return kept as ModelResponse
      }
      asked.push(choice.endpoint)
      const { conversation } = facts
      const isHere = conversation !== undefined && !isVisit(request, choice, conversation)
      const before = isHere ? conversations?.placeOf(conversation.key) : undefined
      if (isHere) conversations?.settle(conversation.key, choice.endpoint)
      const isNext = kept !== undefined && choice.reason !== 'probe'
      const response = await send(isNext ? { ...choice, reason: 'next' } : choice, request)
      if (response.failure === undefined || !isForNext(response.failure)) {
        kept?.body.cancel()
        return response
      }
      // What an endpoint does not take leaves the conversation where it was.
      if (conversation !== undefined && before !== undefined && isNotTaken(response.failure)) {
        conversations?.settle(conversation.key, before)
      }
      // Of several refusals the vendor's own says more than one of ours.
      if (kept?.failure?.origin !== 'upstream' && response.failure.origin === 'upstream') {
        kept?.body.cancel()
        kept = response
      } else if (kept === undefined) kept = response
      else response.body.cancel()
    }
  }

  /** A conversation that is elsewhere only visits as a probe, and returns. A shadow call moves none. */
  const isVisit = (
    { context }: ModelRequest,
    { endpoint, reason }: Choice,
    { key, isFirstTurn }: Conversation,
  ): boolean =>
    context.isShadow || (reason === 'probe' && !isFirstTurn && conversations?.placeOf(key) !== endpoint)

  const learn = (sent: Sent, { failure, outcome }: ModelResponse): void => {
    const { endpoint, request } = sent
    if (failure === undefined) {
      const latency = health.committed(sent)
      failedCalls.forget(request)
      outcome.then((ended) => {
        health.release(sent)
        health.ended(sent, ended.failure, latency)
      })
    } else {
      // It is known already how this ends.
      health.release(sent)
      health.ended(sent, failure, undefined)
      if (failure.retryable) failedCalls.add(request, endpoint)
    }
  }

  const send = async (choice: Choice, request: ModelRequest): Promise<ModelResponse> => {
    const { endpoint, reason } = choice
    emit(request, 'routing.chosen', { endpoint: endpoint.name, reason })
    const sent = health.begin(choice, request)
    let response: ModelResponse
    try {
      response = await endpointsAnswer(sent)
    } catch (error) {
      health.abandoned(sent)
      health.release(sent)
      throw error
    }
    learn(sent, response)
    return response
  }

  const hedgeAfter = (request: ModelRequest): number | undefined => {
    if (!hedge || isClosed || request.operation !== 'generate' || endpoints.length === 1) return undefined
    if (request.context.isShadow) return undefined
    // A retry is not another call.
    if (failedCalls.tried(request) === undefined) hedges?.deposit()
    if (hedge.after !== 'p95') return hedge.after
    return health.latencies[kindOf(request)].quantile(0.95, leastForHedge)
  }

  const hedgeBeside = (request: ModelRequest, asked: Endpoint[]): Hedge | undefined => {
    if (isClosed) return undefined
    const facts = ask(request, asked)
    const endpoint = chooseHedge(pool, facts)
    if (endpoint === undefined || !hedge || !hedges?.take(() => hedge.budget?.(request) ?? true)) {
      return undefined
    }
    const key = keyTo(endpoint, facts)
    asked.push(endpoint)
    return {
      endpoint: endpoint.name,
      handler: (derived) => send({ endpoint, key, reason: 'hedge' }, derived),
    }
  }

  const handler: Handler = (request) => {
    const asked: Endpoint[] = []
    const afterMs = hedgeAfter(request)
    if (afterMs === undefined) return sendOn(request, asked)
    return withHedge(
      request,
      (derived) => sendOn(derived, asked),
      afterMs,
      () => hedgeBeside(request, asked),
    )
  }
  const branches = setup.endpoints.map(({ name, handler }) => ({ kind: 'endpoint', name, handler }))
  return {
    handler: named(handler, 'routing', {
      options: { affinity: affinity !== false, hedge: hedge ? hedge.after : undefined },
      branches,
    }),
    endpoints() {
      const started = endpoints.reduce((sum, endpoint) => sum + endpoint.started.count(lastNow), 0)
      return endpoints.map((endpoint) => stateOf(endpoint, started, lastNow))
    },
    close() {
      isClosed = true
      conversations?.clear()
      failedCalls.clear()
      callers?.clear()
    },
  }
}

function endpointsAnswer({ endpoint, request }: Sent): Promise<ModelResponse> {
  const context = { ...request.context, endpoint: endpoint.name }
  return endpoint.handler(deriveRequest(request, { context }))
}

/** Whether the next endpoint may do what this one will not: another key, another breaker, another limit, another venue. */
function isForNext(failure: Failure): boolean {
  const { kind, retryable } = failure
  // A limit that no retry waits for, such as one of a day.
  const isOutOfRange = kind === 'rate_limited' && !retryable
  const isKept = kind === 'circuit_open' || kind === 'saturated'
  return isKeyFailure(failure) || isOutOfRange || isKept || isNotTaken(failure)
}

/** Whether an endpoint does not take this request, or does not have this model, and is well nevertheless: venues differ in both. */
function isNotTaken({ kind, scope }: Failure): boolean {
  return kind === 'unfit' || kind === 'not_found' || (kind === 'permission' && scope === 'model')
}
