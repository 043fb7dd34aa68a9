import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { canonicalAddress, parseAuthority } from './authority.ts'

/** Who has sent a request, and how, as far as that is known. */
export interface Origin {
  /** The address of the client; that of a proxy where nothing can be believed beyond it. */
  readonly address: string | undefined
  /** Whether the client has sent it by https. */
  readonly isHttps: boolean
}

/** What came on a connection. */
interface Arrived {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean }
}

interface Hop {
  /** Undefined where it is hidden or no address. */
  readonly address: string | undefined
  readonly scheme: string | undefined
}

/** A network as the configuration names it: an address, or one with the length of its prefix. */
export function readNetwork(text: string): { address: string; prefix: number } | undefined {
  const [, written = '', length] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const family = isIP(written)
  if (family === 0) return undefined
  const bits = family === 4 ? 32 : 128
  const prefix = length === undefined ? bits : Number(length)
  return prefix <= bits ? { address: written, prefix } : undefined
}

/**
 * Finds the client behind proxies. What they add is read from the right, where the nearest one writes, for as long as its writer is
 * a proxy of the list: everything further left can be written by anyone. Without a list, and from anyone else, it is not read.
 */
export class TrustedProxies {
  readonly #networks = new BlockList()
  readonly #isEmpty: boolean

  /** @param networks such as `10.0.0.0/8`; what is none is left out */
  constructor(networks: readonly string[] = []) {
    const read = networks.flatMap((text) => readNetwork(text) ?? [])
    this.#isEmpty = read.length === 0
    for (const { address, prefix } of read)
      this.#networks.addSubnet(address, prefix, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }

  originOf({ headers, socket }: Arrived): Origin {
    const isHttps = socket.encrypted === true
    const peer = socket.remoteAddress
    if (this.#isEmpty || peer === undefined) return { address: peer, isHttps }
    const direct = { address: canonicalAddress(peer), isHttps }
    if (!this.#trusts(direct.address)) return { address: peer, isHttps }
    const { forwarded, 'x-forwarded-for': list, 'x-forwarded-proto': schemes } = headers
    const byList = list === undefined && schemes === undefined ? undefined : hopsOfLists(list, schemes)
    const byForwarded = forwarded === undefined ? undefined : hopsOfForwarded(forwarded)
    const one = this.#walk(direct, byList ?? byForwarded ?? [])
    if (byList === undefined || byForwarded === undefined) return one
    // Proxies that write one of them pass on the other as it came: what they do not agree on is not believed.
    const other = this.#walk(direct, byForwarded)
    return {
      address: one.address === other.address ? one.address : direct.address,
      isHttps: one.isHttps && other.isHttps,
    }
  }

  #walk(direct: Origin & { readonly address: string }, hops: readonly Hop[]): Origin {
    let { address, isHttps } = direct as { address: string; isHttps: boolean }
    for (const hop of hops.toReversed()) {
      if (hop.scheme !== undefined) isHttps = hop.scheme === 'https'
      if (hop.address === undefined) break
      address = hop.address
      if (!this.#trusts(address)) break
    }
    return { address, isHttps }
  }

  #trusts(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#networks.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

const listOf = (value: string | readonly string[]): string[] =>
  [value]
    .flat()
    .join(',')
    .split(',')
    .map((each) => each.trim())

/** `x-forwarded-for` and `x-forwarded-proto`. Most proxies write one scheme, that of the request as the client has sent it. */
function hopsOfLists(
  list: string | string[] | undefined,
  written: string | string[] | undefined,
): readonly Hop[] {
  const addresses = list === undefined ? [] : listOf(list)
  const schemes = written === undefined ? [] : listOf(written).map((scheme) => scheme.toLowerCase())
  if (addresses.length === 0) return [{ address: undefined, scheme: schemes.at(-1) }]
  const areInStep = schemes.length === addresses.length
  return addresses.map((text, index) => ({
    address: addressIn(text),
    scheme: areInStep ? schemes[index] : index === addresses.length - 1 ? schemes.at(-1) : undefined,
  }))
}

/** RFC 7239. A text in quotes may hold the signs that divide elements, but those of addresses do not. */
function hopsOfForwarded(text: string): readonly Hop[] {
  return listOf(text).map((element) => {
    const pairs = element.split(';').map((pair) => pair.split('='))
    const said = (name: string): string | undefined => {
      const found = pairs.find(([key = '']) => key.trim().toLowerCase() === name)
      return found
        ?.slice(1)
        .join('=')
        .trim()
        .replace(/^"(.*)"$/, '$1')
    }
    return { address: addressIn(said('for') ?? ''), scheme: said('proto')?.toLowerCase() }
  })
}

/** An address with or without a port; undefined for `unknown`, `_hidden` and anything else. */
function addressIn(text: string): string | undefined {
  if (isIP(text) !== 0) return canonicalAddress(text)
  const host = parseAuthority(text)?.host
  return host !== undefined && isIP(host) !== 0 ? host : undefined
}
