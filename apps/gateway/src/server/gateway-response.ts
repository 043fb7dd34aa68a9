import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { securityHeaders } from '../access/cors.ts'
import type { Client } from '../clients/client-directory.ts'
import type { Slot } from '../shedding/load-shedder.ts'

/**
 * An answer of an upstream is never a page of the gateway, whatever its type: a browser that opens it runs nothing of it.
 * The dashboard's page sets another policy.
 */
const inert = "default-src 'none'; frame-ancestors 'none'; sandbox"

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
  /** Of a call, by its head; undefined where nobody has said anything. */
  priority: number | undefined
  /** Its place among the calls in flight. */
  slot: Slot | undefined

  override writeHead(status: number, ...rest: readonly unknown[]): this {
    const reason = typeof rest[0] === 'string' ? rest[0] : undefined
    const given = rest.at(-1) as OutgoingHttpHeaders | string | undefined
    const own = this.browserHeaders
    const headers: OutgoingHttpHeaders = { 'content-security-policy': inert }
    if (typeof given === 'object') Object.assign(headers, given)
    const vary =
      own.vary === undefined ? {} : { vary: [headers.vary, own.vary].flat().filter(Boolean).join(', ') }
    Object.assign(headers, own, vary)
    if (this.callId !== undefined) headers['x-spillway-call-id'] = this.callId
    return reason === undefined ? super.writeHead(status, headers) : super.writeHead(status, reason, headers)
  }
}
