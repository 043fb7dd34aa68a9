import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { securityHeaders } from '../access/cors.ts'
import type { Client } from '../clients/client-directory.ts'
import type { Slot } from '../shedding/load-shedder.ts'

/**
 * An answer of an upstream is never a page of the gateway, whatever its type: a browser that opens it runs nothing of it.
 * The dashboard's page sets another policy.
 */
const inert = "default-src 'none'; frame-ancestors 'none'; sandbox"

/** The headers of an answer: those that are given, and those that are decided for all of them. */
export function headersOfAnswer(
  { browserHeaders: own, callId }: Pick<GatewayResponse, 'browserHeaders' | 'callId'>,
  given: unknown,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { 'content-security-policy': inert }
  if (typeof given === 'object') Object.assign(headers, given)
  const vary =
    own.vary === undefined ? {} : { vary: [headers.vary, own.vary].flat().filter(Boolean).join(', ') }
  Object.assign(headers, own, vary)
  if (callId !== undefined) headers['x-spillway-call-id'] = callId
  return headers
}

/** A response whose headers for browsers are decided here, wherever its other headers are written. */
export class GatewayResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Written last: they replace headers of the same name. */
  browserHeaders: OutgoingHttpHeaders = securityHeaders
  /** Of the model call that is answered, or refused before it is known which: with every answer, so that a complaint leads to its row. */
  callId: string | undefined
  /** Who asks, by the key that was presented; undefined where none is asked for. */
  client: Client | undefined
  /** Of a call, by its headers; undefined where not set. */
  priority: number | undefined
  /** Its place among the calls in flight. */
  slot: Slot | undefined

  override writeHead(status: number, ...rest: readonly unknown[]): this {
    const reason = typeof rest[0] === 'string' ? rest[0] : undefined
    const headers = headersOfAnswer(this, rest.at(-1))
    return reason === undefined ? super.writeHead(status, headers) : super.writeHead(status, reason, headers)
  }
}
