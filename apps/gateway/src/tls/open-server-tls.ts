import type { TlsOptions } from 'node:tls'
import { backgroundClock } from '@spillway/middleware/kit'
import { type FollowedCertificate, followCertificate } from './followed-certificate.ts'
import type { ServerTlsConfig } from './tls-config.ts'

/** `server.tls`, opened. */
export interface ServerTls {
  /** With the certificate as it was at the start. */
  readonly options: TlsOptions
  readonly certificate: FollowedCertificate
  /** Hears of each certificate from now on, the one in use first. */
  show(listener: (context: TlsOptions) => void): void
}

/** @throws Error where the certificate cannot be used */
export async function openServerTls(
  config: ServerTlsConfig,
  log: (line: string) => void,
): Promise<ServerTls> {
  let context: TlsOptions = {}
  let listener: (context: TlsOptions) => void = () => {}
  const certificate = await followCertificate({
    ...{ config, clock: backgroundClock, log },
    use(read) {
      context = read.context
      listener(context)
    },
  })
  return {
    certificate,
    options: { ...context, ...(config.clientAuth === 'require' && { requestCert: true }) },
    show(next) {
      listener = next
      next(context)
    },
  }
}
