import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

type Claims = Readonly<Record<string, unknown>>

/** An identity provider for services: a discovery document, keys that change, and tokens as vendors make them. */
export interface Issuer {
  readonly url: string
  /** A token, valid for an hour unless `claims` say otherwise; those that are undefined are left out. */
  token(claims?: Claims, header?: Claims): string
  /** Publishes another key and signs with it; `keep` also publishes those of before. */
  rotate(keep?: boolean): void
  /** Paths that were asked for. */
  readonly asked: string[]
  /** Answers nothing any more. */
  leave(): Promise<void>
  comeBack(): Promise<void>
  /** What its discovery document says besides, and how it answers. */
  readonly says: { metadata: Claims; status: number; keysStatus: number }
}

interface SigningKey {
  readonly kid: string
  readonly alg: 'RS256' | 'ES256'
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function newKey(alg: 'RS256' | 'ES256'): SigningKey {
  const pair =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid: randomUUID(), alg, ...pair }
}

/** Signs as a compact JWS. */
export function signed(header: Claims, claims: Claims, key: KeyObject | string): string {
  const input = `${encoded(header)}.${encoded(claims)}`
  const { alg } = header
  const signature =
    alg === 'none'
      ? Buffer.alloc(0)
      : String(alg).startsWith('HS')
        ? createHmac('sha256', key).update(input).digest()
        : sign('sha256', Buffer.from(input), { key: key as KeyObject, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

export async function startIssuer(
  alg: 'RS256' | 'ES256' = 'ES256',
): Promise<Issuer & { readonly key: SigningKey }> {
  let keys = [newKey(alg)]
  const asked: string[] = []
  const says = { metadata: {}, status: 200, keysStatus: 200 }
  let port = 0
  let server: Server | undefined
  const url = (): string => `http://127.0.0.1:${port}`
  const listen = (): Promise<void> =>
    new Promise((resolve) => {
      const opened = createServer((req, res) => {
        asked.push(req.url ?? '')
        const isKeys = req.url === '/keys'
        const body = isKeys
          ? {
              keys: keys.map(({ kid, alg: signs, publicKey }) => ({
                ...publicKey.export({ format: 'jwk' }),
                ...{ kid, alg: signs, use: 'sig' },
              })),
            }
          : { issuer: url(), jwks_uri: `${url()}/keys`, ...says.metadata }
        res.writeHead(isKeys ? says.keysStatus : says.status, { 'content-type': 'application/json' })
        res.end(JSON.stringify(body))
      })
      opened.listen(port, '127.0.0.1', () => {
        port = (opened.address() as AddressInfo).port
        resolve()
      })
      server = opened
    })
  const leave = async (): Promise<void> => {
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
  }
  await listen()
  onTestFinished(leave)
  const current = (): SigningKey => keys[0] as SigningKey
  return {
    get url() {
      return url()
    },
    get key() {
      return current()
    },
    asked,
    says,
    token(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const { kid, privateKey } = current()
      return signed(
        { alg, kid, ...header },
        { iss: url(), aud: 'spillway', sub: 'u-1', iat: now, exp: now + 3600, ...claims },
        privateKey,
      )
    },
    rotate(keep = false) {
      keys = [newKey(alg), ...(keep ? keys : [])]
    },
    leave,
    comeBack: listen,
  }
}
