import { isIPv4, isIPv6 } from 'node:net'

/** A host and a port, as a URL or a `Host` header names them. */
export interface Authority {
  /** A name in lower case without a final dot, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  /** Undefined where none is given: the scheme's. */
  readonly port: number | undefined
}

const form = /^(?:\[([0-9a-f:.]+)\]|((?:[a-z0-9_-]+\.)*[a-z0-9_-]+)\.?)(?::(\d{0,5}))?$/i

/** A last label that makes browsers read the whole as an IPv4 address, in one of its many spellings. */
const numeric = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i

/** A name in DNS, a colon and a port. */
const longest = 253 + 6

/**
 * Reads `host[:port]` strictly: no user, no path, no escapes, no bytes but those of names and addresses. An address has
 * one spelling: IPv4 is dotted decimal, IPv6 is compressed, and IPv4 inside IPv6 is IPv4. One final dot is left out.
 * Undefined for anything else.
 */
export function parseAuthority(text: string): Authority | undefined {
  if (text.length > longest) return undefined
  const match = form.exec(text)
  if (match === null) return undefined
  const [, ipv6, name, digits] = match
  const port = digits === undefined || digits === '' ? undefined : Number(digits)
  if (port !== undefined && port > 65_535) return undefined
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: canonicalIPv6(ipv6), port } : undefined
  const host = (name as string).toLowerCase()
  if (numeric.test(host) && !isIPv4(host)) return undefined
  return { host, port }
}

/** An address as sockets tell it (`::ffff:10.0.0.1`, `fe80::1%eth0`), spelled as {@link parseAuthority} does. */
export function canonicalAddress(address: string): string {
  const [bare = ''] = address.split('%')
  return isIPv6(bare) ? canonicalIPv6(bare) : bare
}

/** Whether `host`, spelled as {@link parseAuthority} does, is this machine for every browser and every resolver. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return host.startsWith('127.') ? isIPv4(host) : host.endsWith('.localhost')
}

function canonicalIPv6(address: string): string {
  const compressed = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed) ?? []
  if (high === undefined || low === undefined) return compressed
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}
