/** What a request line asks for. */
export interface RequestTarget {
  /** Path and query, as routes read them. */
  readonly url: string
  /** Host and port of an absolute target, unread; undefined for all others. */
  readonly authority: string | undefined
}

const absolute = /^https?:\/\/([^/?#]*)(.*)$/is

/**
 * Reads the target of a request: a path, or a whole URL, which every server must take (RFC 9112, section 3.2.2).
 * Undefined for what is neither: another scheme, or a URL without a host.
 */
export function readTarget(target: string): RequestTarget | undefined {
  if (target.startsWith('/') || target === '*') return { url: target, authority: undefined }
  const [, authority, rest = ''] = absolute.exec(target) ?? []
  if (authority === undefined || authority === '') return undefined
  return { url: rest.startsWith('/') ? rest : `/${rest}`, authority }
}
