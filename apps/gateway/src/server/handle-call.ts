import type { IncomingMessage, ServerResponse } from 'node:http'
import { sealBody } from '@spillway/attempt'
import {
  createRequest,
  type JsonBody,
  jsonBodyFromBytes,
  type ModelResponse,
  type RequestHeaders,
  type Timeouts,
} from '@spillway/middleware'
import type { RecognisedCall } from '@spillway/wire'
import type { Router } from '../router.ts'
import { CallLog } from './call-log.ts'
import { largestRequest, readRequestBody } from './read-body.ts'
import { callersFault, refuse } from './refusal.ts'
import { responseHeaders, sendStream, sendWhole } from './response-sink.ts'

/** A call that has been answered, for the line in the log. */
export interface AnsweredCall {
  readonly model: string
  readonly stream: boolean
  readonly response: ModelResponse
  readonly log: CallLog
  /** Milliseconds up to the commit point. */
  readonly waited: number
}

/** What answering a call needs. */
export interface CallHandling {
  readonly router: Router
  readonly timeouts: Timeouts
  readonly onAnswer?: ((call: AnsweredCall) => void) | undefined
}

/** Answers one model call: reads it, sends it down its route, writes what comes back. */
export async function handleCall(
  req: IncomingMessage,
  res: ServerResponse,
  recognised: RecognisedCall,
  handling: CallHandling,
): Promise<void> {
  const { api } = recognised
  const leaving = new AbortController()
  res.on('close', () => {
    if (!res.writableFinished) leaving.abort()
  })
  const bytes = await readRequestBody(req, largestRequest)
  if (bytes === undefined) {
    const failure = callersFault('too_large', `the request exceeds ${largestRequest} bytes`)
    return refuse(res, api, failure, { connection: 'close' })
  }
  const asked = readAsked(req, bytes)
  if (typeof asked === 'string') return refuse(res, api, callersFault('invalid_request', asked))
  const route = handling.router(recognised, asked.model)
  if (typeof route !== 'function') return refuse(res, api, route)

  const log = new CallLog()
  const request = createRequest({
    ...recognised,
    ...asked,
    url: req.url ?? '/',
    headers: forwardedHeaders(req),
    signal: leaving.signal,
    timeouts: handling.timeouts,
    listeners: [log.listener],
  })
  const startedAt = request.clock.now()
  const response = await route(request)
  handling.onAnswer?.({ ...asked, response, log, waited: request.clock.now() - startedAt })
  if (res.destroyed) return response.body.cancel()
  const headers = responseHeaders(response.headers, spillwayHeaders(response, log))
  if (response.failure === undefined && asked.stream) {
    sendStream(res, response.status, headers, sealBody(response.body, api))
  } else {
    sendWhole(res, response.status, headers, response.body)
  }
}

interface Asked {
  readonly model: string
  readonly stream: boolean
  readonly body: JsonBody
}

/** The facts that routes and policies decide by, or what is wrong with the body. */
function readAsked(req: IncomingMessage, bytes: Uint8Array): Asked | string {
  const encoding = req.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    return `content-encoding: ${encoding} is not supported; send the body unencoded`
  }
  const body = jsonBodyFromBytes(bytes)
  try {
    const { model, stream } = body.json
    if (typeof model !== 'string' || model === '') return 'model: expected the name of a model'
    if (stream !== undefined && typeof stream !== 'boolean') return 'stream: expected true or false'
    return { model, stream: stream === true, body }
  } catch (error) {
    return bytes.length === 0
      ? 'the request has no body'
      : `the body is not a JSON object: ${(error as Error).message}`
  }
}

/** What the caller sent, less what is meant for the gateway and what belongs to its own origin. */
function forwardedHeaders(req: IncomingMessage): RequestHeaders {
  const headers: Record<string, string> = Object.create(null)
  for (const name in req.headers) {
    const value = req.headers[name]
    if (value === undefined || name === 'cookie' || name.startsWith('x-spillway-')) continue
    headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return headers
}

function spillwayHeaders(response: ModelResponse, log: CallLog): Record<string, string> {
  const headers: Record<string, string> = { 'x-spillway-attempts': String(log.started) }
  if (response.target !== undefined) headers['x-spillway-served-by'] = response.target
  const answeredByAnother = response.failure === undefined && log.fallback !== undefined
  if (answeredByAnother) headers['x-spillway-fallback'] = log.fallback as string
  return headers
}
