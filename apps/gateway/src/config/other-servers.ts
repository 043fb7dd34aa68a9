import type { AgentOptions } from 'node:https'
import { proxiedFetch, proxySettings } from '@spillway/core-client'
import { emitWarning } from '@spillway/middleware/kit'
import { proxyOf } from './network-problems.ts'

// How servers that are no endpoints are reached: collectors, KMS, Vault.

/** A `fetch` through the proxy that a key names, else the environment. */
export function fetchThrough(proxy: string | undefined, connectTimeout?: number): typeof fetch {
  const through = proxyOf(proxy)
  return proxiedFetch({
    ...(through !== undefined && { proxy: through }),
    ...(connectTimeout !== undefined && { connectTimeout }),
  }) as typeof fetch
}

/**
 * The same for libraries that take options of Node's own agents, which go through a proxy from Node 22.21 and 24.5 on; older
 * ones are warned of.
 */
export function agentThrough(
  proxy: string | undefined,
  where: string,
  node: string = process.versions.node,
): AgentOptions | undefined {
  const settings = proxySettings(proxyOf(proxy))
  if (settings === undefined) return undefined
  const { http, https, none } = settings
  if (!knowsProxies(node)) {
    const text = `${where}: Node ${node} does not go through a proxy here; use Node 24.5 or later (of Node 22, 22.21), or set ${where}.proxy: none`
    emitWarning(text, 'SPILLWAY_NO_PROXY')
    return undefined
  }
  const proxyEnv = { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: none }
  // Of newer types than those of the oldest Node that this is for.
  return { keepAlive: true, ...({ proxyEnv } as object) }
}

function knowsProxies(node: string): boolean {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  return major === 22 ? minor >= 21 : major === 24 ? minor >= 5 : major > 24
}
