import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import nodeTls from 'node:tls'
import type { Config, EndpointConfig } from './config.ts'
import type { ConfigProblem } from './config-error.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** How an endpoint is connected to, as a client takes it. */
export function networkOf({ proxy, tls }: EndpointConfig): {
  readonly proxy?: string | null
  readonly tls?: { readonly ca: string[] }
} {
  const through = proxyOf(proxy)
  return {
    ...(through !== undefined && { proxy: through }),
    // Besides those that everyone trusts, since a proxy that reads along may leave some hosts alone.
    ...(tls?.ca !== undefined && {
      tls: { ca: [...nodeTls.rootCertificates, readFileSync(tls.ca, 'utf8')] },
    }),
  }
}

/** The proxy that a key names, as a client takes it; undefined where the environment says so. */
export function proxyOf(proxy: string | undefined): string | null | undefined {
  const through = proxy?.startsWith('env:') ? process.env[proxy.slice('env:'.length)] : proxy
  return through === 'none' ? null : through
}

/** What is wrong with the files and variables that say how endpoints are connected to. */
export function problemsOfNetwork({ targets, vault, telemetry }: Config, at: Locate): ConfigProblem[] {
  const ofEndpoints = Object.entries(targets).flatMap(([name, { endpoints = [] }]) =>
    endpoints.flatMap(({ proxy, tls }, index) => {
      const path = ['targets', name, 'endpoints', index]
      return [
        ...problemAt([...path, 'proxy'], problemOfVariable(proxy)),
        ...problemAt([...path, 'tls', 'ca'], problemOfAuthority(tls?.ca)),
      ]
    }),
  )
  return [
    ...ofEndpoints,
    ...problemAt(['vault', 'proxy'], problemOfVariable(vault?.proxy)),
    ...problemAt(['telemetry', 'proxy'], problemOfVariable(telemetry?.proxy)),
  ]

  function problemAt(path: readonly PropertyKey[], message: string | undefined): ConfigProblem[] {
    return message === undefined ? [] : [at(path, message)]
  }
}

function problemOfVariable(proxy: string | undefined): string | undefined {
  if (!proxy?.startsWith('env:')) return undefined
  const value = process.env[proxy.slice('env:'.length)]
  if (!value) return `${proxy} is not set; set it to the URL of the proxy, or use proxy: none`
  return proxyPattern.test(value)
    ? undefined
    : `${proxy} is not the URL of a proxy, such as http://user:password@host:3128`
}

/** The URL of a proxy; a password only where it comes from a variable. */
const proxyPattern = /^https?:\/\/([^/@\s]+@)?[^/@\s]+\/?$/

function problemOfAuthority(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return `cannot read this file (${(error as NodeJS.ErrnoException).code}); give the path of certificates in PEM`
  }
  try {
    new X509Certificate(text)
    return undefined
  } catch {
    return 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)'
  }
}
