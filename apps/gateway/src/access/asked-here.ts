import type { IncomingMessage } from 'node:http'
import { canonicalAddress, isLoopback, parseAuthority } from './authority.ts'

/** What proxies add: behind one of this machine, the peer may be anyone. */
const marks = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

/** Whether a program of this machine asks, by an address of it, and not through a proxy. */
export function isAskedHere({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const host = parseAuthority(headers.host ?? '')?.host
  return (
    isLoopback(canonicalAddress(socket.remoteAddress ?? '')) &&
    host !== undefined &&
    isLoopback(host) &&
    marks.every((name) => headers[name] === undefined)
  )
}
