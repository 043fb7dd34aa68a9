import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { securityHeaders } from '../access/cors.ts'

/**
 * Whatever type an upstream gives to what it answers, it is no page of ours: a browser that is led to it runs nothing of
 * it. The dashboard says otherwise of itself.
 */
const inert = "default-src 'none'; frame-ancestors 'none'; sandbox"

/** A response that says to browsers what this gateway decides, whoever writes its other headers. */
export class GatewayResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Written last, over whatever an answer says under these names. */
  browserHeaders: OutgoingHttpHeaders = securityHeaders

  override writeHead(status: number, ...rest: readonly unknown[]): this {
    const reason = typeof rest[0] === 'string' ? rest[0] : undefined
    const given = rest.at(-1) as OutgoingHttpHeaders | string | undefined
    const own = this.browserHeaders
    const headers: OutgoingHttpHeaders = { 'content-security-policy': inert }
    if (typeof given === 'object') Object.assign(headers, given)
    const vary =
      own.vary === undefined ? {} : { vary: [headers.vary, own.vary].flat().filter(Boolean).join(', ') }
    Object.assign(headers, own, vary)
    return reason === undefined ? super.writeHead(status, headers) : super.writeHead(status, reason, headers)
  }
}
