import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ServerTlsConfig } from './tls-config.ts'

/** The file that clients need to believe in a certificate that vouches for itself; undefined for all others. */
export function ownAuthority(tls: ServerTlsConfig | undefined): string | undefined {
  if (tls === undefined) return undefined
  try {
    const certificate = new X509Certificate(readFileSync(tls.cert))
    return certificate.checkIssued(certificate) ? resolve(tls.cert) : undefined
  } catch {
    return undefined
  }
}
