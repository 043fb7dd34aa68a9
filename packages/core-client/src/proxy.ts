import type { SecureContextOptions } from 'node:tls'
import type { Agent, Dispatcher } from 'undici'
import { EnvHttpProxyAgent, Pool, ProxyAgent } from '#undici'

/** Where a pool's connections go through. */
export interface ProxySettings {
  /** For everything but `none`; undefined where there is no proxy. */
  readonly http: string | undefined
  readonly https: string | undefined
  readonly none: string
}

/** A machine's own servers are never behind a proxy that the environment names, as in Go and Deno. */
const loopback = 'localhost,127.0.0.1,::1'

const protocols = ['http:', 'https:', 'socks5:', 'socks:']

/**
 * What `pool.proxy` says: a URL takes every connection, `null` none, and undefined follows `HTTPS_PROXY`, `HTTP_PROXY` and
 * `NO_PROXY`, in small letters too. Undefined where no proxy is to be used.
 * @throws TypeError for what is no URL, in words that do not repeat it, since it may hold a password
 */
export function proxySettings(
  proxy: string | null | undefined,
  environment: Readonly<Record<string, string | undefined>> = globalThis.process?.env ?? {},
): ProxySettings | undefined {
  if (proxy === null) return undefined
  if (proxy !== undefined) {
    const url = mustBeProxy(proxy, 'pool.proxy')
    return { http: url, https: url, none: '' }
  }
  const read = (name: string): string | undefined =>
    environment[name.toLowerCase()] || environment[name] || undefined
  const of = (name: string): string | undefined => {
    const value = read(name)
    return value && mustBeProxy(value, name)
  }
  const [http, https] = [of('HTTP_PROXY'), of('HTTPS_PROXY')]
  if (http === undefined && https === undefined) return undefined
  return { http, https, none: [read('NO_PROXY'), loopback].filter(Boolean).join(',') }
}

/** As in curl, `proxy:3128` is `http://proxy:3128`. */
function mustBeProxy(text: string, where: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null || url.hostname === '' || !protocols.includes(url.protocol)) {
    throw new TypeError(
      `${where} is not the URL of a proxy; expected one such as http://proxy.example.com:3128`,
    )
  }
  return url.href
}

/** An agent whose connections go through a proxy, but for those to hosts that do without. */
export function proxyAgent(
  { http, https, none }: ProxySettings,
  tls: SecureContextOptions,
  options: Agent.Options & { readonly connectTimeout: number },
): Dispatcher & { destroy(): Promise<void> } {
  const { connectTimeout } = options
  const through = {
    ...options,
    requestTls: tls,
    proxyTls: tls,
    // A proxy that never answers a CONNECT is a connection that does not come about.
    clientFactory: (origin: URL, client: object) =>
      new Pool(origin, { ...client, headersTimeout: connectTimeout, connections: null }),
  }
  if (http !== undefined && http === https && none === '') return new ProxyAgent({ ...through, uri: http })
  return new EnvHttpProxyAgent({
    ...through,
    // An empty text keeps it from asking the environment.
    httpProxy: http ?? '',
    httpsProxy: https ?? '',
    noProxy: none,
  })
}
