import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import { type ServerTlsConfig, tlsDefaults } from './tls-config.ts'

/** A certificate and its key, read and found to belong together. */
export interface ReadCertificate {
  readonly context: SecureContextOptions
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly notAfter: number
  /** Changes with each certificate. */
  readonly fingerprint: string
}

/**
 * Reads the files of a certificate.
 * @throws Error that names the file and says what is wrong with it; never with anything of the key
 */
export async function readCertificate(config: ServerTlsConfig): Promise<ReadCertificate> {
  const { minVersion = tlsDefaults.minVersion } = config
  const [cert, key, ca] = await Promise.all([
    readText(config.cert),
    readText(config.key),
    config.ca === undefined ? undefined : readText(config.ca),
  ])
  const leaf = parsed(config.cert, 'certificate', () => new X509Certificate(cert))
  const passphrase =
    config.passphrase === undefined ? undefined : process.env[config.passphrase.slice('env:'.length)]
  const own = parsed(config.key, 'private key', () =>
    createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) }),
  )
  if (ca !== undefined) parsed(config.ca as string, 'certificate', () => new X509Certificate(ca))
  if (!leaf.checkPrivateKey(own))
    throw new Error(`${config.key} is not the private key of the certificate in ${config.cert}`)
  return {
    context: {
      ...{ cert, key, minVersion: `TLSv${minVersion}` },
      ...(ca !== undefined && { ca }),
      ...(passphrase !== undefined && { passphrase }),
    },
    notAfter: Date.parse(leaf.validTo),
    fingerprint: leaf.fingerprint256,
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function parsed<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    const hint =
      what === 'private key' ? ' that can be opened; set passphrase: env:NAME where it is encrypted' : ''
    throw new Error(`${path} holds no ${what} in PEM${hint}`)
  }
}
