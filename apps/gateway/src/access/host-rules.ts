import type { IncomingMessage } from 'node:http'
import { type Authority, canonicalAddress, isLoopback, parseAuthority } from './authority.ts'
import { type HostPattern, matchesHost, readHostPattern } from './host-patterns.ts'
import { shown } from './shown.ts'

/** Decides whether a host that requests name is this gateway. */
export class HostRules {
  readonly #patterns: readonly HostPattern[]

  /** @param listening the address or name that the gateway listens on; empty for all addresses */
  constructor(listening: string, allowed: readonly string[]) {
    const all = listening === '' ? ['0.0.0.0', '::'] : [listening]
    this.#patterns = [...all, ...allowed].flatMap((text) => readHostPattern(text) ?? [])
  }

  /**
   * Whether the host is one of this gateway's. The address that the client has connected to always is: a page can only
   * be of that origin if this gateway has sent it, since an address cannot be made to point elsewhere as a name can.
   */
  isOwn(asked: Authority, { socket }: IncomingMessage): boolean {
    const { host } = asked
    if (isLoopback(host)) return true
    for (const pattern of this.#patterns) if (matchesHost(pattern, asked)) return true
    return socket.localAddress !== undefined && canonicalAddress(socket.localAddress) === host
  }
}

/**
 * The host that a request names: in its target where that is a whole URL, else in its only `Host`. Undefined for one of
 * HTTP/1.0 that names none, as probes of load balancers do and no browser does; a sentence where the request is not
 * valid (RFC 9112, section 3.2).
 */
export function hostOf(req: IncomingMessage, inTarget: string | undefined): Authority | string | undefined {
  const { rawHeaders } = req
  let value: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (value !== undefined) return 'the request has more than one Host header'
    value = rawHeaders[index + 1] as string
  }
  if (value === undefined && req.httpVersion !== '1.0') return 'the request has no Host header'
  const header = value === undefined ? undefined : authorityOf(value)
  if (value !== undefined && header === undefined)
    return `the Host header ${shown(value)} is not the name of a host, or an address, with or without a port`
  if (inTarget === undefined) return header
  return (
    parseAuthority(inTarget) ??
    `${shown(inTarget)} in the request target is not a host with or without a port`
  )
}

let lastHost: { readonly text: string; readonly authority: Authority | undefined } | undefined

/** For speed: clients name the same host with each request. */
function authorityOf(text: string): Authority | undefined {
  if (lastHost?.text !== text) lastHost = { text, authority: parseAuthority(text) }
  return lastHost.authority
}

/** The message for a foreign host. */
export function foreignHost({ host }: Authority): string {
  return `this gateway does not answer for the host ${shown(host)}; if clients reach it by that name, add it to server.allowedHosts`
}
