import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { CallerProtocol } from '@spillway/attempt'
import type { Api, Failure, FailureKind } from '@spillway/middleware'
import { refusalFailure, renderError } from '@spillway/wire'
import { isOfBedrock, isOfVertex, pathOf } from './call-paths.ts'
import { clientAddress } from './gateway-request.ts'

/** A request that was refused before it had a route, for the line in the log. */
export interface RefusedRequest {
  /** Undefined where it was no model call. */
  readonly callId: string | undefined
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** The address of the client. */
  readonly from: string | undefined
  readonly failure: Failure
  readonly status: number
}

/** What is said of a refusal that has been written. */
export function refusedRequest(res: ServerResponse, failure: Failure, callId?: string): RefusedRequest {
  const { method = 'GET', url = '/' } = res.req
  const path = pathOf(url).slice(0, longestPath)
  return { callId, method, path, from: clientAddress(res.req), failure, status: res.statusCode }
}

const longestPath = 200

/** A fault of the caller's, found before anything was sent. */
export function callerError(kind: FailureKind, message: string, status?: number): Failure {
  return refusalFailure({ kind, message, scope: 'request', status })
}

/** Answers with an error in the protocol of the caller. `status` of the failure, where it is set, wins: clouds have their own. */
export function refuse(
  res: ServerResponse,
  spoken: Api | CallerProtocol,
  failure: Failure,
  headers: OutgoingHttpHeaders = {},
): void {
  if (res.headersSent || res.destroyed) return
  // A client that is still writing may not see an answer behind which the connection is closed: the server closes it later.
  if (!res.req.complete && bringsBody(res.req)) res.shouldKeepAlive = true
  const { api, venue }: CallerProtocol = typeof spoken === 'string' ? { api: spoken } : spoken
  const error = renderError(api, failure, venue)
  res.writeHead((venue === undefined ? failure.status : undefined) ?? error.status, {
    ...(error.headers as OutgoingHttpHeaders),
    ...(venue === 'bedrock' && {
      'x-amzn-requestid': (res as { callId?: string }).callId ?? crypto.randomUUID(),
    }),
    'content-length': error.body.length,
    ...headers,
  })
  res.end(error.body)
}

const bringsBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** The protocol of a caller who has not named a known route: by the path, else Anthropic's. */
export function guessProtocol({ url = '/' }: IncomingMessage): CallerProtocol {
  const path = pathOf(url)
  if (isOfBedrock(path)) return { api: 'anthropic', venue: 'bedrock' }
  if (isOfVertex(path)) return { api: 'anthropic', venue: 'vertex' }
  return { api: guessApi(url) }
}

function guessApi(url: string): Api {
  if (url.includes('/responses')) return 'responses'
  return url.includes('/chat/') || url.includes('/completions') ? 'openai' : 'anthropic'
}
