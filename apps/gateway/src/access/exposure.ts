import { canonicalAddress, isLoopback, parseAuthority } from './authority.ts'

/** Where a gateway listens, and whether that is meant. */
export interface Exposure {
  /** As for `listen`: an address or a name. */
  readonly host: string
  readonly auth: 'none' | 'keys'
  readonly exposed?: boolean | undefined
}

/**
 * Whether programs on other machines may reach what listens on `host`. Every name but `localhost` counts as reachable:
 * what it resolves to is another thing on each machine.
 */
export function isReachable(host: string): boolean {
  const canonical = canonicalAddress(host.toLowerCase())
  return canonical !== 'localhost' && (canonical.endsWith('localhost') || !isLoopback(canonical))
}

/** Whether a URL leads to a server on this machine, on each machine. */
export function isOnThisMachine(url: string): boolean {
  const host = parseAuthority(URL.parse(url)?.host ?? '')?.host
  return host !== undefined && !isReachable(host)
}

/** Why a gateway must not listen there; undefined where it may. */
export function exposureProblem({ host, auth, exposed }: Exposure): string | undefined {
  if (auth === 'keys' || exposed === true || !isReachable(host)) return undefined
  return `${placeOf(host)} can be reached from other machines, and clients are not authenticated: anyone who can reach the port spends your keys and reads the dashboard. Use 127.0.0.1, or set server.exposed: true (--exposed) if that is meant`
}

/** What its owner should know of a gateway that listens there on purpose. */
export function exposureWarning({ host, auth, exposed }: Exposure): string | undefined {
  if (auth === 'keys' || exposed !== true || !isReachable(host)) return undefined
  return `${placeOf(host)} can be reached from other machines, and clients are not authenticated: anyone who can reach the port spends your keys and reads the dashboard`
}

function placeOf(host: string): string {
  return host === '' ? 'every address of this machine' : host
}
