import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Failure } from '@spillway/middleware'
import { admitClient, type Credentials } from '../access/client-door.ts'
import type { ApiSources } from '../api/api-server.ts'
import { callRefusal, modelsRefusal, ownedRefusal } from '../clients/client-rules.ts'
import type { Models } from '../models/models.ts'
import { type OperatorDoor, refuseOperator } from '../operators/operator-door.ts'
import type { AnswerOwned } from '../owned/answer-owned.ts'
import { ownedPath } from '../owned/owned-path.ts'
import type { LoadShedder } from '../shedding/load-shedder.ts'
import { interactive, priorityHeader, priorityOfHead } from '../shedding/priority.ts'
import { shedFailure, shedHeaders } from '../shedding/shed-failure.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import { settingsPath } from '../sign-in/sign-in-paths.ts'
import type { Account } from '../spend-limits/open-account.ts'
import { prometheusText } from '../telemetry/scrape.ts'
import { answerModels, modelsAsked } from './answer-models.ts'
import { baseUrlAdvice } from './base-url-advice.ts'
import { callAt, callPaths, calls, pathOf, whyNotServed } from './call-paths.ts'
import type { Dashboard } from './dashboard.ts'
import { cameByHttps } from './gateway-request.ts'
import type { GatewayResponse } from './gateway-response.ts'
import { type CallHandling, handleCall } from './handle-call.ts'
import { answerProfiles, profilesAsked } from './inference-profiles.ts'
import { callerError, guessProtocol, refuse, refusedRequest } from './refusal.ts'
import { endWith } from './response-sink.ts'

/** What answers requests, by their paths. */
export interface Served extends Omit<CallHandling, 'bodies'> {
  /** What `/readyz` says of what the gateway shares with others. */
  readonly state: () => Readonly<Record<string, string | number>>
  /** The pages at `/`; undefined where there are none. */
  readonly dashboard?: Dashboard | undefined
  /** What `/api/*` reads. */
  readonly api?: ApiSources | undefined
  /** What answers requests about batches and files. */
  readonly owned?: AnswerOwned | undefined
  /** Who may call; undefined where anyone may. */
  readonly clients?: Credentials | undefined
  /** Refuses calls when the gateway is saturated. */
  readonly shedder?: LoadShedder | undefined
  /** Who may see the dashboard, `/api` and `/metrics`. */
  readonly operators?: OperatorDoor | undefined
  /** Where people sign in; undefined where they cannot. */
  readonly signIn?: SignIn | undefined
  /** What answers clients about their own budgets, and administrators about all; undefined where there are no clients. */
  readonly account?: Account | undefined
  /** What `/v1/models` says. */
  readonly models?: Models | undefined
  /** What `/metrics` says. */
  readonly metrics?: (() => Promise<string>) | undefined
}

/** Answers a request by its path. */
export async function dispatch(
  req: IncomingMessage,
  res: GatewayResponse,
  options: Served & CallHandling,
  leaving: boolean,
): Promise<void> {
  const path = pathOf(req.url ?? '/')
  const isRead = req.method === 'GET' || req.method === 'HEAD'
  const turnAway = (failure: Failure, headers: OutgoingHttpHeaders = {}): void => {
    refuse(res, guessProtocol(req), failure, headers)
    options.onRefused?.(refusedRequest(res, failure, res.callId))
    req.resume()
  }
  const { signIn } = options
  if (signIn?.isAt(path)) return signIn.answer(req, res, path)
  // Before anything is read by the path: what is not admitted learns nothing of what is served.
  const { operators } = options
  const asked = operators?.isAt(path) ? operators.admit(req, path) : undefined
  if (asked !== undefined && 'kind' in asked) {
    refuseOperator(res, asked)
    options.onRefused?.(refusedRequest(res, asked))
    return void req.resume()
  }
  if (asked !== undefined && operators?.login.answer(req, res, path, asked)) return
  const operator = asked?.admitted?.operator
  const judged = asked === undefined && options.clients ? admitClient(req, path, options.clients) : undefined
  const admitted = judged instanceof Promise ? await judged : judged
  if (admitted !== undefined && 'kind' in admitted) return turnAway(admitted, { 'x-should-retry': 'false' })
  const client = admitted?.client
  res.client = client
  const spoken = admitted?.isAnthropics ? ('anthropic' as const) : undefined
  if (signIn !== undefined && path === settingsPath && client !== undefined) {
    if (!isRead) return refuseMethod(req, res, 'GET, HEAD')
    return signIn.answerSettings(req, res, client)
  }
  if (client !== undefined && options.account?.isAt(path))
    return options.account.answer(req, res, path, client)
  const call = callAt(path)
  if (call !== undefined) {
    const barred = client && callRefusal(client, call)
    if (barred !== undefined) return turnAway(barred)
    if (req.method !== 'POST') return refuseMethod(req, res, 'POST')
    const admitted = takeSlot(req, res, options.shedder)
    if (admitted === 'shed') return
    return admitted === undefined ? handleCall(req, res, call, options) : turnAway(admitted)
  }
  const owned = options.owned && ownedPath(path)
  if (owned !== undefined && options.owned !== undefined) {
    if (!owned.methods.includes(req.method ?? '')) return refuseMethod(req, res, owned.methods.join(', '))
    const barred = client && ownedRefusal(client, owned, req.method)
    if (barred !== undefined) return turnAway(barred)
    // Uploads and batches are work; looking how they are getting on is not.
    const admitted = isRead ? undefined : takeSlot(req, res, options.shedder)
    if (admitted === 'shed') return
    if (admitted !== undefined) return turnAway(admitted)
    const { fingerprint, bodies, timeouts: limits } = options
    const timeouts = typeof limits === 'function' ? limits() : limits
    const server = { origin: originOf(req), fingerprint, client, spoken, stalls: bodies.bodyStalls, timeouts }
    return options.owned(req, res, owned, server)
  }
  const models = modelsAsked(path)
  if (models !== undefined && options.models !== undefined) {
    if (!isRead) return refuseMethod(req, res, 'GET, HEAD')
    const barred = client && modelsRefusal(client)
    if (barred !== undefined) return turnAway(barred)
    return answerModels(req, res, models, { ...options, models: options.models, spoken })
  }
  if (path === '/healthz' || path === '/readyz') {
    if (!isRead) return refuseMethod(req, res, 'GET, HEAD')
    const ready = path === '/healthz' || !leaving
    return sendJson(res, ready ? 200 : 503, {
      status: ready ? 'ok' : 'draining',
      ...(path === '/readyz' ? options.state() : {}),
    })
  }
  if (path === '/metrics' && options.metrics !== undefined) {
    if (!isRead) return refuseMethod(req, res, 'GET, HEAD')
    const body = Buffer.from(await options.metrics())
    res.writeHead(200, { 'content-type': prometheusText, 'content-length': body.length })
    return endWith(res, body)
  }
  if (isRead && options.dashboard?.answer(req, res, path)) return
  const unknown = (what: string): void => {
    turnAway(callerError('not_found', `no such route: ${req.method} ${path}; ${what}`))
  }
  const unserved = whyNotServed(path)
  if (unserved !== undefined) return turnAway(callerError('invalid_request', unserved))
  const profiles = profilesAsked(path)
  if (profiles !== undefined) {
    if (!isRead) return refuseMethod(req, res, 'GET, HEAD')
    const barred = client && modelsRefusal(client)
    return barred === undefined ? answerProfiles(res, profiles) : turnAway(barred)
  }
  const advice = baseUrlAdvice(path, originOf(req), calls)
  if (advice !== undefined) return unknown(advice)
  if (
    options.api !== undefined &&
    operators !== undefined &&
    operator !== undefined &&
    path.startsWith('/api/')
  ) {
    const { answerApi } = await import('../api/api-server.ts')
    return answerApi(req, res, path, { ...options.api, operator, operators })
  }
  // Clients probe the root before their first call.
  if (path === '/' && isRead) return sendJson(res, 200, { name: 'spillway' }, { vary: 'accept' })
  const known = [...callPaths].map((each) => `POST ${each}`).join(', ')
  unknown(`there are ${known}, GET /v1/models, GET /healthz`)
}

/**
 * Takes a place among the calls in flight by the head alone. Where there is none, the request has been answered: without a line in
 * the log, which has one for all that are shed.
 */
function takeSlot(
  req: IncomingMessage,
  res: GatewayResponse,
  shedder: LoadShedder | undefined,
): Failure | 'shed' | undefined {
  const priority = priorityOfHead(req.headers[priorityHeader], res.client)
  if (typeof priority === 'string') return callerError('invalid_request', priority)
  res.priority = priority
  const slot = shedder?.admit(priority ?? interactive)
  if (slot === undefined) return undefined
  if ('signal' in slot) {
    refuse(res, guessProtocol(req), shedFailure(slot), shedHeaders)
    req.resume()
    return 'shed'
  }
  res.slot = slot
  res.on('close', slot.release)
  return undefined
}

/** The gateway's own address, as this client knows it. */
function originOf(req: IncomingMessage): string {
  const { headers, socket } = req
  const scheme = cameByHttps(req) ? 'https' : 'http'
  return `${scheme}://${headers.host ?? `${socket.localAddress}:${socket.localPort}`}`
}

function refuseMethod(req: IncomingMessage, res: ServerResponse, allow: string): void {
  const failure = callerError('invalid_request', `${req.method} is not allowed here; use ${allow}`, 405)
  refuse(res, guessProtocol(req), failure, { allow })
  req.resume()
}

function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...headers })
  res.end(body)
}
