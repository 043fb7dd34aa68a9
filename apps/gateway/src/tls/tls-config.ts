/** How the gateway shows itself to clients. */
export interface ServerTlsConfig {
  /** Files in PEM: the certificate with those that lead to its root, and its private key. */
  readonly cert: string
  readonly key: string
  /** `env:NAME` */
  readonly passphrase?: string | undefined
  /** A file in PEM: who vouches for clients. */
  readonly ca?: string | undefined
  /** `require`: clients without a certificate that `ca` vouches for are not connected. */
  readonly clientAuth?: 'none' | 'require' | undefined
  readonly minVersion?: '1.2' | '1.3' | undefined
  /** How long before its end a certificate is warned of, in milliseconds. */
  readonly warnBefore?: number | undefined
}

export const tlsDefaults: {
  readonly clientAuth: 'none'
  readonly minVersion: '1.2'
  readonly warnBefore: number
} = {
  clientAuth: 'none',
  minVersion: '1.2',
  warnBefore: 14 * 24 * 3_600_000,
}
