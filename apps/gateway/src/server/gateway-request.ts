import { IncomingMessage } from 'node:http'
import type { Origin } from '../access/trusted-proxies.ts'

/** A request that knows who has sent it, through proxies too. */
export class GatewayRequest extends IncomingMessage {
  origin: Origin | undefined
}

type Sent = Pick<IncomingMessage, 'socket'> & { readonly origin?: Origin | undefined }

/** The address of the client that has sent a request: beyond proxies of `server.trustProxy`, else the one that has connected. */
export const clientAddress = ({ origin, socket }: Sent): string | undefined =>
  origin === undefined ? socket.remoteAddress : origin.address

/** Whether the client has sent it by https: to this gateway, or to a proxy of `server.trustProxy` that says so. */
export const cameByHttps = ({ origin }: Sent): boolean => origin?.isHttps === true
