import { type Authority, parseAuthority } from './authority.ts'

/** Hosts by a configured name. */
export interface HostPattern {
  /** Exactly this one; undefined where there is a suffix. */
  readonly host: string | undefined
  /** What the name must end with, from a dot. */
  readonly suffix: string | undefined
  /** Undefined for any. */
  readonly port: number | undefined
}

/** Reads `gateway.internal`, `*.example.com`, `10.0.0.5` or `[fd00::5]`, each also with a port; undefined for what is none. */
export function readHostPattern(text: string): HostPattern | undefined {
  const isWild = text.startsWith('*.')
  const { host, port } = parseAuthority(isWild ? text.slice(2) : bracketed(text)) ?? {}
  if (host === undefined) return undefined
  return isWild ? { host: undefined, suffix: `.${host}`, port } : { host, suffix: undefined, port }
}

/** Whether a request for this host is one that the pattern means. */
export function matchesHost({ host, suffix, port }: HostPattern, asked: Authority): boolean {
  if (port !== undefined && port !== (asked.port ?? 80)) return false
  return suffix === undefined ? host === asked.host : asked.host.endsWith(suffix)
}

/** A bare IPv6 address, as people write it where no port follows. */
function bracketed(text: string): string {
  return text.split(':').length > 2 && !text.startsWith('[') ? `[${text}]` : text
}
