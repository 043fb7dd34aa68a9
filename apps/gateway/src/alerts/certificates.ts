import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Incident } from './incident.ts'

/** A certificate that the gateway shows. */
export interface ShownCertificate {
  /** `server`, or the endpoint that it is shown to. */
  readonly subject: string
  /** In PEM, the first of its chain. */
  readonly file: string
}

/** How long before a certificate ends it is an incident, in milliseconds. What renews itself does so earlier. */
const warnBefore: number = 14 * 86_400_000
const urgentBefore: number = 3 * 86_400_000

/** Certificates that are about to expire, or have; files are read again with each look. What cannot be read is said elsewhere. */
export function expiringCertificates(shown: readonly ShownCertificate[], now: number): Incident[] {
  return shown.flatMap(({ subject, file }): Incident[] => {
    const until = endOf(file)
    if (until === undefined || until - now > warnBefore) return []
    const message =
      until <= now
        ? `the certificate has expired at ${new Date(until).toISOString()}`
        : `the certificate expires at ${new Date(until).toISOString()}`
    const common = { kind: 'certificate', subject, message, since: null } as const
    // Two incidents: the second one is told though the first one was.
    const urgent: Incident[] = until - now > urgentBefore ? [] : [{ ...common, severity: 'critical' }]
    return [{ ...common, severity: 'warning' }, ...urgent]
  })
}

function endOf(file: string): number | undefined {
  try {
    return new X509Certificate(readFileSync(file)).validToDate.getTime()
  } catch {
    return undefined
  }
}
