import type { IncomingMessage } from 'node:http'
import { canonicalAddress, isLoopback, parseAuthority } from './authority.ts'

type Asking = Pick<IncomingMessage, 'socket' | 'headers'>

/** What proxies add: behind one of this machine, the peer may be anyone. */
const marks = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

/** Whether it comes from this machine, and not through a proxy on it that says so. */
export const isFromHere = ({ socket, headers }: Asking): boolean =>
  isLoopback(canonicalAddress(socket.remoteAddress ?? '')) &&
  marks.every((name) => headers[name] === undefined)

/** Whether a program of this machine asks, by an address of it, and not through a proxy. */
export function isAskedHere(req: Asking): boolean {
  const host = parseAuthority(req.headers.host ?? '')?.host
  return host !== undefined && isLoopback(host) && isFromHere(req)
}
