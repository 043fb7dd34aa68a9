import { type Authority, parseAuthority } from './authority.ts'

/** Schemes of pages that are programs on the user's machine, such as `vscode-webview` or `tauri`. */
const ownScheme = /^([a-z][a-z0-9+.-]*):\/\/([a-z0-9._-]*|\*)$/
const overTheWeb = new Set(['http', 'https', 'ws', 'wss', 'ftp', 'data', 'blob', 'javascript'])

/** What the configuration may name, and why not. */
export function originProblem(text: string): string | undefined {
  if (text === '*')
    return '* would let every web page that a user visits spend your keys; name the origins, such as https://app.example.com'
  if (text === 'null')
    return 'null is sent by every sandboxed page and every local file; serve the page from an origin and name that'
  if (canonicalOrigin(text) !== undefined) return undefined
  if (text.includes('*'))
    return '* may only replace the whole host of a scheme that web pages cannot have, such as vscode-webview://*; name each http or https origin'
  return 'expected an origin, such as https://app.example.com or http://localhost:3000: a scheme, a host and a port, without a path'
}

/** An origin as browsers write it; undefined for what is none. */
export function canonicalOrigin(text: string): string | undefined {
  const [, scheme = '', host] = ownScheme.exec(text.toLowerCase()) ?? []
  if (host !== undefined && !overTheWeb.has(scheme)) return `${scheme}://${host}`
  const [, web, authority = ''] = /^(https?):\/\/(.+)$/i.exec(text) ?? []
  if (web === undefined || parseAuthority(authority) === undefined) return undefined
  return new URL(`${web}://${authority}`).origin
}

/**
 * Whether a page of this origin was served by this gateway, under the host that the request names.
 * @param isHttps whether the request is known to have come by https
 */
export function isOwnOrigin(
  origin: string,
  asked: Authority,
  site: string | undefined,
  isHttps = false,
): boolean {
  const [, scheme, authority = ''] = /^(https?):\/\/(.+)$/.exec(origin) ?? []
  if (scheme === undefined) return false
  // A page without TLS of the same name may be anyone's who is on the way.
  if (isHttps && scheme === 'http') return false
  // TLS may end in front of this server, so that it cannot see it; the browser can.
  if (scheme === 'https' && !isHttps && site !== 'same-origin') return false
  const own = parseAuthority(authority)
  const usual = scheme === 'https' ? 443 : 80
  return own?.host === asked.host && (own.port ?? usual) === (asked.port ?? usual)
}
