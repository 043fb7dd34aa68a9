/** What a request line asks for. */
export interface RequestTarget {
  /** Path and query, as routes read them: without a slash at the end of the path, which some clients add. */
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
  if (target.startsWith('/') || target === '*') return { url: withoutLastSlash(target), authority: undefined }
  const [, authority, rest = ''] = absolute.exec(target) ?? []
  if (authority === undefined || authority === '') return undefined
  return { url: withoutLastSlash(rest.startsWith('/') ? rest : `/${rest}`), authority }
}

/** Rules of access and routes read the same path. */
function withoutLastSlash(url: string): string {
  const query = url.search(/[?#]/)
  const end = query < 0 ? url.length : query
  if (end < 2 || url[end - 1] !== '/' || url[end - 2] === '/') return url
  return url.slice(0, end - 1) + url.slice(end)
}
