import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import nodeTls from 'node:tls'
import type { Config, EndpointConfig, TlsConfig } from './config.ts'
import type { ConfigProblem } from './config-error.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** How an endpoint is connected to, as a client takes it. */
export function networkOf({ proxy, tls }: EndpointConfig): {
  readonly proxy?: string | null
  readonly tls?: TlsOptions
} {
  const through = proxyOf(proxy)
  return {
    ...(through !== undefined && { proxy: through }),
    ...(tls !== undefined && { tls: tlsOf(tls) }),
  }
}

interface TlsOptions {
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
}

function tlsOf({ ca, cert, key, passphrase }: TlsConfig): TlsOptions {
  const secret = passphraseOf(passphrase)
  return {
    // Besides those that everyone trusts, since a proxy that reads along may leave some hosts alone.
    ...(ca !== undefined && { ca: [...nodeTls.rootCertificates, readFileSync(ca, 'utf8')] }),
    ...(cert !== undefined && { cert: readFileSync(cert, 'utf8') }),
    ...(key !== undefined && { key: readFileSync(key, 'utf8') }),
    ...(secret !== undefined && { passphrase: secret }),
  }
}

const passphraseOf = (reference: string | undefined): string | undefined =>
  reference === undefined ? undefined : process.env[reference.slice('env:'.length)]

/** The proxy that a key names, as a client takes it; undefined where the environment says so. */
export function proxyOf(proxy: string | undefined): string | null | undefined {
  const through = proxy?.startsWith('env:') ? process.env[proxy.slice('env:'.length)] : proxy
  return through === 'none' ? null : through
}

/** What is wrong with the files and variables that say how endpoints are connected to. */
export function problemsOfNetwork(
  { server, targets, vault, telemetry }: Config,
  at: Locate,
): ConfigProblem[] {
  const ofEndpoints = Object.entries(targets).flatMap(([name, { endpoints = [] }]) =>
    endpoints.flatMap(({ proxy, tls }, index) => {
      const path = ['targets', name, 'endpoints', index]
      return [
        ...problemAt([...path, 'proxy'], problemOfVariable(proxy)),
        ...problemAt([...path, 'tls', 'ca'], problemOfCertificate(tls?.ca)),
        ...problemAt([...path, 'tls', 'cert'], problemOfCertificate(tls?.cert) ?? problemOfPair(tls)),
        ...problemAt([...path, 'tls', 'key'], problemOfKey(tls)),
      ]
    }),
  )
  const { tls } = server
  const needsCa = tls?.clientAuth === 'require' && tls.ca === undefined
  return [
    ...problemAt(['server', 'tls', 'cert'], problemOfCertificate(tls?.cert)),
    ...problemAt(['server', 'tls', 'key'], problemOfKey(tls)),
    ...problemAt(['server', 'tls', 'ca'], problemOfCertificate(tls?.ca)),
    ...problemAt(
      ['server', 'tls', 'clientAuth'],
      needsCa ? 'needs ca: a file with the certificates of who vouches for clients' : undefined,
    ),
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

/** A certificate is shown with the key that belongs to it. */
function problemOfPair({ cert, key }: TlsConfig = {}): string | undefined {
  return cert !== undefined && key === undefined
    ? 'needs its private key: add key, the path of a file in PEM'
    : undefined
}

function problemOfKey({ cert, key, passphrase }: TlsConfig = {}): string | undefined {
  if (key === undefined) return undefined
  if (cert === undefined) return 'is of no use without its certificate: add cert, the path of a file in PEM'
  const secret = passphraseOf(passphrase)
  if (passphrase !== undefined && !secret)
    return `${passphrase} is not set; set it to the passphrase of the key`
  try {
    const own = createPrivateKey({ key: readFileSync(key, 'utf8'), ...(secret && { passphrase: secret }) })
    if (problemOfCertificate(cert) !== undefined) return undefined
    return new X509Certificate(readFileSync(cert, 'utf8')).checkPrivateKey(own)
      ? undefined
      : 'is not the private key of the certificate in cert'
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall !== undefined) return `cannot read this file (${code}); give the path of a private key in PEM`
    return 'holds no private key in PEM that can be opened; set passphrase: env:NAME where it is encrypted'
  }
}

function problemOfCertificate(file: string | undefined): string | undefined {
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
