import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type CallerProtocol, guardStreamEnd, isEventStream } from '@spillway/attempt'
import {
  type Api,
  createRequest,
  type Failure,
  type ModelResponse,
  systemClock,
  type Timeouts,
} from '@spillway/middleware'
import {
  type CallRecord,
  newCallId,
  type RequestHeaders,
  recordCall,
  summarizeFailures,
  withField,
} from '@spillway/middleware/kit'
import { malformedFailure, type RecognisedCall, renderErrorEvent } from '@spillway/wire'
import type { RunningBudgets } from '../budgets/running-budgets.ts'
// Bring in the context's `caller` and `from`.
import type {} from '../caller.ts'
import { contentRefusal } from '../clients/client-rules.ts'
import type {} from '../ledger/upstream.ts'
import type { Ownership } from '../owned/ownership.ts'
import type { Router } from '../router.ts'
import { shedFailure, shedHeaders } from '../shedding/shed-failure.ts'
import { askedBy } from './asked.ts'
import { type BodyReading, readCallBody, releaseWhenOver } from './call-body.ts'
import { pathOf } from './call-paths.ts'
import { connectionHeaderTest } from './connection-headers.ts'
import { endRevoked } from './end-revoked.ts'
import { clientAddress } from './gateway-request.ts'
import type { GatewayResponse } from './gateway-response.ts'
import { keepAlive, remark } from './keep-alive.ts'
import { type RefusedRequest, refuse, refusedRequest } from './refusal.ts'
import { pipeStream, responseHeaders, sendStream, sendWhole } from './response-sink.ts'
import { routeOf } from './routed-call.ts'
import { callerFrom } from './tenant.ts'

/** A call that has been answered, for the line in the log. */
export interface AnsweredCall {
  readonly model: string
  readonly stream: boolean
  readonly response: ModelResponse
  /** What has happened to it so far. */
  readonly record: CallRecord
  /** Milliseconds up to the commit point. */
  readonly waited: number
  /** As `x-spillway-call-id` has it. */
  readonly callId: string
  /** The client's name, or the fingerprint of the caller's key; undefined where it has none. */
  readonly tenant: string | undefined
  readonly session: string | undefined
  /** `/v1/messages`, without the query. */
  readonly path: string
}

/** What answering a call needs. */
export interface CallHandling {
  readonly router: Router
  /** A function is asked with each call. */
  readonly timeouts: Timeouts | (() => Timeouts)
  readonly budgets?: Pick<RunningBudgets, 'begin'> | undefined
  /** Of a credential, to tell callers apart without keeping their keys. */
  readonly fingerprint: (credential: string) => string
  /** Milliseconds after which the client of a stream gets keep-alives. */
  readonly keepAliveAfter: number
  readonly bodies: BodyReading
  /** Keeps clients from what others have made; undefined where there are no clients. */
  readonly ownership?: Ownership | undefined
  /** Calls a listener when a client is revoked whose calls in flight are to be cut; returns what forgets it. */
  readonly whenCut?: ((client: string, listener: () => void) => () => void) | undefined
  readonly onAnswer?: ((call: AnsweredCall) => void) | undefined
  /** Hears of requests that were refused before they had a route. Must not throw. */
  readonly onRefused?: ((request: RefusedRequest) => void) | undefined
}

/** Answers one model call: reads it, sends it down its route, writes what comes back. */
export async function handleCall(
  req: IncomingMessage,
  res: GatewayResponse,
  recognised: RecognisedCall,
  handling: CallHandling,
): Promise<void> {
  const { api, venue } = recognised
  const { callId = newCallId(systemClock.epoch()) } = res
  const leaving = new AbortController()
  res.on('close', () => {
    if (!res.writableFinished) leaving.abort()
  })
  const read = await readCallBody(req, res, handling.bodies)
  const turnAway = (failure: Failure, headers?: OutgoingHttpHeaders): void => {
    refuse(res, recognised, failure, headers)
    handling.onRefused?.(refusedRequest(res, failure, callId))
  }
  if ('failure' in read) return turnAway(read.failure, read.headers)
  const asked = askedBy(req.headers, read.body, recognised)
  const routed = 'kind' in asked ? asked : routeOf(handling.router, asked.model, req, recognised)
  if ('kind' in asked || 'kind' in routed) {
    read.held.release()
    return turnAway(routed as Failure)
  }

  const { route, model, callersCloud } = routed
  const { client } = res
  const priority = lowest(res.priority, route.priority)
  const shed = route.priority === undefined ? undefined : res.slot?.lower(route.priority)
  if (shed !== undefined) {
    read.held.release()
    return refuse(res, recognised, shedFailure(shed), shedHeaders)
  }
  const barred =
    client &&
    contentRefusal(client, read.body, {
      ...{ asked: asked.model, model, operation: recognised.operation },
      targets: route.targets,
    })
  const { ownership } = handling
  const barredId =
    client && barred === undefined ? ownership?.refusal(read.body, api, client.name) : undefined
  const refused = barred ?? (barredId && (await barredId))
  if (refused !== undefined) {
    read.held.release()
    return turnAway(refused)
  }
  const caller = callerFrom(req.headers, handling.fingerprint, client)
  const budgeted = handling.budgets?.begin(client, caller.tenant)
  const request = recordCall(
    createRequest({
      ...recognised,
      model,
      stream: asked.stream,
      body: model === asked.model || venue !== undefined ? read.body : withField(read.body, 'model', model),
      url: req.url ?? '/',
      headers: withVersion(api, forwardedHeaders(req)),
      signal: leaving.signal,
      maxHeldBytes: handling.bodies.maxResponseBytes,
      timeouts: typeof handling.timeouts === 'function' ? handling.timeouts() : handling.timeouts,
      context: {
        callId,
        ...caller,
        session: asked.session,
        priority,
        from: clientAddress(req),
        ...(callersCloud && { callersCloud }),
        ...(budgeted && { budgeted }),
      },
    }),
  )
  const { record } = request.context
  const startedAt = request.clock.now()
  const held = asked.stream ? keepAlive(res, recognised, handling.keepAliveAfter) : undefined
  const forget =
    client &&
    handling.whenCut?.(client.name, () => {
      held?.stop()
      endRevoked(res, recognised)
      leaving.abort()
    })
  if (forget) res.on('close', forget)
  const sent = route.handler(request)
  const answering = held === undefined ? sent : sent.finally(() => held.stop())
  releaseWhenOver(read, res, answering)
  const response = await answering
  handling.onAnswer?.({
    model,
    stream: asked.stream,
    response,
    record,
    waited: request.clock.now() - startedAt,
    callId,
    tenant: request.context.tenant,
    session: asked.session,
    path: pathOf(req.url ?? '/'),
  })
  if (res.destroyed || res.writableEnded) return response.body.cancel()
  const body =
    client && response.failure === undefined && ownership !== undefined
      ? ownership.learning(response.body, read.body, {
          ...{ api, isStream: asked.stream },
          owner: {
            target: response.target ?? '',
            endpoint: record.attempts.at(-1)?.endpoint ?? '',
            tenant: client.name,
          },
        })
      : response.body
  if (held?.hasBegun) return sendLate(res, recognised, { ...response, body }, record)
  const headers = responseHeaders(response.headers, {
    ...spillwayHeaders(response, record),
    ...budgeted?.headers,
  })
  if (response.failure === undefined && asked.stream) {
    sendStream(res, response.status, headers, guardStreamEnd(body, recognised))
  } else {
    // Another protocol may need more bytes for the same.
    sendWhole(res, recognised, response.status, headers, body, 2 * handling.bodies.maxResponseBytes)
  }
}

/** The less important of two priorities, of which each may be undefined. */
const lowest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)

/** Goes on with a stream whose headers are gone: what they would have said is a remark in it, errors are events. */
function sendLate(
  res: ServerResponse,
  spoken: CallerProtocol,
  response: ModelResponse,
  record: CallRecord,
): void {
  const { 'x-spillway-degraded': degraded } = response.headers
  const headers = {
    ...spillwayHeaders(response, record),
    ...(degraded && { 'x-spillway-degraded': degraded }),
  }
  const said = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  res.write(remark(said.join('; '), spoken))
  if (response.failure === undefined && isEventStream(response.headers, spoken.venue))
    return pipeStream(res, guardStreamEnd(response.body, spoken))
  response.body.cancel()
  const failure = response.failure ?? malformedFailure('the upstream answered with no stream')
  res.end(renderErrorEvent(spoken.api, failure, { venue: spoken.venue }))
}

/** What the caller sent, less what belongs to its own origin. Transports leave out what is meant for Spillway. */
function forwardedHeaders(req: IncomingMessage): RequestHeaders {
  // Not without a prototype: V8 keeps such an object as a table of hashes, and each copy of it costs seven times as much.
  const headers: Record<string, string> = {}
  const isOfConnection = connectionHeaderTest(req.headers.connection)
  for (const name in req.headers) {
    const value = req.headers[name]
    if (value === undefined || name === 'cookie') continue
    if (isOfConnection(name)) continue
    headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return headers
}

/** What Messages calls are written for that do not name a version: a line typed by hand needs none. */
const usualVersion = '2023-06-01'

function withVersion(api: Api, headers: RequestHeaders): RequestHeaders {
  if (api !== 'anthropic' || headers['anthropic-version']) return headers
  return { ...headers, 'anthropic-version': usualVersion }
}

function spillwayHeaders(response: ModelResponse, record: CallRecord): Record<string, string> {
  const headers: Record<string, string> = { 'x-spillway-attempts': String(record.begun) }
  if (response.target !== undefined) headers['x-spillway-served-by'] = response.target
  const reason = record.fallback(response.target)?.reason
  if (response.failure === undefined && reason !== undefined) headers['x-spillway-fallback'] = reason
  // Retries have one owner, and it has done what it could.
  if (response.failure !== undefined) {
    headers['x-should-retry'] = 'false'
    const failures = summarizeFailures(record.reports)
    if (failures !== undefined) headers['x-spillway-failures'] = failures
  }
  return headers
}
