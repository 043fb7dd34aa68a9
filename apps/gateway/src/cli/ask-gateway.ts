import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { ServerTlsConfig } from '../tls/tls-config.ts'

/** How long a gateway may take to answer, in milliseconds. */
const patience = 3_000

/** What a gateway says at a path. */
export interface Said {
  readonly ok: boolean
  readonly body: object
}

/**
 * Asks a running gateway; undefined where none answers.
 * @param tls of the configuration that it runs with: it is asked by the address of this machine, which its certificate seldom names,
 * so the certificate itself is compared
 */
export async function askGateway(
  url: string,
  path: string,
  tls: ServerTlsConfig | undefined,
): Promise<Said | undefined> {
  try {
    if (tls !== undefined) return await askByTls(`${url}${path}`, readFileSync(tls.cert, 'utf8'))
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(patience) })
    return { ok: response.ok, body: (await response.json()) as object }
  } catch {
    return undefined
  }
}

function askByTls(url: string, cert: string): Promise<Said> {
  const { promise, resolve, reject } = Promise.withResolvers<Said>()
  const trusting = { ca: cert, allowPartialTrustChain: true, checkServerIdentity: () => undefined }
  const asking = request(url, { ...trusting, agent: false, signal: AbortSignal.timeout(patience) })
  asking.on('error', reject)
  asking.on('response', (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    response.on('error', reject)
    response.on('end', () => {
      try {
        resolve({ ok: response.statusCode === 200, body: JSON.parse(text) as object })
      } catch (error) {
        reject(error as Error)
      }
    })
  })
  asking.end()
  return promise
}
