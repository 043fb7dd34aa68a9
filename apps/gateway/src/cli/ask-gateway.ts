import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { ServerTlsConfig } from '../tls/tls-config.ts'

/** How long a gateway may take to answer, in milliseconds. */
const patience = 3_000

/** What a gateway says at a path. */
export interface Said {
  readonly ok: boolean
  readonly body: object
  /** The first cookie that it sets, without its attributes. */
  readonly cookie: string | undefined
}

/** What it is asked with, beside a path. */
export interface Asking {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: object
}

const cookieIn = ([first]: readonly string[] = []): string | undefined => first?.split(';')[0]

/**
 * Asks a running gateway; undefined where none answers.
 * @param tls of the configuration that it runs with: it is asked by the address of this machine, which its certificate seldom names,
 * so the certificate itself is compared
 */
export async function askGateway(
  url: string,
  path: string,
  tls: ServerTlsConfig | undefined,
  { method = 'GET', headers: given = {}, body }: Asking = {},
): Promise<Said | undefined> {
  try {
    const text = body && JSON.stringify(body)
    const headers = { ...given, ...(text !== undefined && { 'content-type': 'application/json' }) }
    if (tls !== undefined)
      return await askByTls(`${url}${path}`, readFileSync(tls.cert, 'utf8'), { method, headers }, text)
    const init = {
      method,
      headers,
      signal: AbortSignal.timeout(patience),
      ...(text !== undefined && { body: text }),
    }
    const response = await fetch(`${url}${path}`, init)
    const cookie = cookieIn(response.headers.getSetCookie())
    return { ok: response.ok, body: (await response.json()) as object, cookie }
  } catch {
    return undefined
  }
}

function askByTls(
  url: string,
  cert: string,
  init: Pick<Asking, 'method' | 'headers'>,
  body: string | undefined,
): Promise<Said> {
  const { promise, resolve, reject } = Promise.withResolvers<Said>()
  const trusting = { ca: cert, allowPartialTrustChain: true, checkServerIdentity: () => undefined }
  const asking = request(url, { ...init, ...trusting, agent: false, signal: AbortSignal.timeout(patience) })
  asking.on('error', reject)
  asking.on('response', (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    response.on('error', reject)
    response.on('end', () => {
      try {
        const cookie = cookieIn(response.headers['set-cookie'])
        resolve({ ok: response.statusCode === 200, body: JSON.parse(text) as object, cookie })
      } catch (error) {
        reject(error as Error)
      }
    })
  })
  asking.end(body)
  return promise
}
