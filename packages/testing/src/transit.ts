import { randomBytes } from 'node:crypto'
import {
  type SecretAnswer,
  type SecretRequest,
  type SecretServer,
  startSecretServer,
} from './secret-server.ts'
import { TransitKey } from './transit-key.ts'

/** Options of {@link startTransit}. */
export interface TransitOptions {
  /** @default 0: any free port */
  readonly port?: number
  /** Tokens that are let in. @default `transit-token` */
  readonly tokens?: readonly string[]
  /** Keys that are there from the start. @default `spillway` */
  readonly keys?: readonly string[]
  /** @default 'transit' */
  readonly mount?: string
}

/** A request to a transit server, without what is secret. */
export interface TransitRequest {
  /** Such as `transit/decrypt/spillway`. */
  readonly path: string
  readonly status: number
}

/** The transit engine of HashiCorp Vault or OpenBao. */
export interface TransitServer extends SecretServer {
  readonly requests: readonly TransitRequest[]
  /** Seals the server: it answers 503 until it is unsealed. */
  seal(isSealed?: boolean): void
  /** A token is good no longer. */
  expireToken(token: string): void
  /** Refuses this operation, such as `decrypt`, to everybody; undefined ends that. */
  deny(operation: string | undefined): void
}

type Body = Readonly<Record<string, unknown>>

/** Starts a server that speaks the transit engine's HTTP API. */
export async function startTransit(options: TransitOptions = {}): Promise<TransitServer> {
  const { mount = 'transit' } = options
  const tokens = new Set(options.tokens ?? ['transit-token'])
  const keys = new Map((options.keys ?? ['spillway']).map((name) => [name, new TransitKey()]))
  const requests: TransitRequest[] = []
  let isSealed = false
  let denied: string | undefined

  const keyOperations = (
    name: string,
    action: string | undefined,
    request: SecretRequest,
    body: Body,
  ): SecretAnswer => {
    const key = keys.get(name)
    if (action === undefined && request.method === 'POST') {
      if (key === undefined) keys.set(name, new TransitKey())
      return { status: 204 }
    }
    if (key === undefined) return refusal(404)
    if (action === 'rotate') {
      key.rotate()
      return { status: 204 }
    }
    if (action === 'config') {
      if (typeof body.min_decryption_version === 'number') key.minimumVersion = body.min_decryption_version
      return { status: 204 }
    }
    return data({
      name,
      type: 'aes256-gcm96',
      latest_version: key.latest,
      min_decryption_version: key.minimumVersion,
    })
  }
  const decrypted = (key: TransitKey | undefined, body: Body): Buffer | SecretAnswer => {
    if (key === undefined) return refusal(400, 'encryption key not found')
    const plain = key.decrypt(String(body.ciphertext ?? ''), base64(body.associated_data))
    return Buffer.isBuffer(plain) ? plain : refusal(400, plain.error)
  }
  const engine = (parts: readonly string[], request: SecretRequest): SecretAnswer => {
    const [operation = '', name = '', action] = parts
    if (denied === operation) return refusal(403, '1 error occurred:\n\t* permission denied\n\n')
    const body = parse(request.body)
    if (operation === 'keys') return keyOperations(name, action, request, body)
    const key = keys.get(operation === 'datakey' ? (action ?? '') : name)
    switch (operation) {
      case 'encrypt':
        if (key === undefined) return refusal(403, '1 error occurred:\n\t* permission denied\n\n')
        return data({
          ciphertext: key.encrypt(base64(body.plaintext), base64(body.associated_data)),
          key_version: key.latest,
        })
      case 'decrypt': {
        const plain = decrypted(key, body)
        return Buffer.isBuffer(plain) ? data({ plaintext: plain.toString('base64') }) : plain
      }
      case 'rewrap': {
        const plain = decrypted(key, body)
        if (!Buffer.isBuffer(plain)) return plain
        if (key === undefined) return refusal(400, 'encryption key not found')
        return data({ ciphertext: key.encrypt(plain, base64(body.associated_data)), key_version: key.latest })
      }
      case 'datakey': {
        if (key === undefined) return refusal(400, 'encryption key not found')
        const plain = randomBytes(Number(body.bits ?? 256) / 8)
        const ciphertext = key.encrypt(plain, base64(body.associated_data))
        return data(
          name === 'plaintext' ? { ciphertext, plaintext: plain.toString('base64') } : { ciphertext },
        )
      }
      default:
        return refusal(404)
    }
  }
  const answer = (request: SecretRequest): SecretAnswer => {
    if (request.path === '/v1/sys/health') {
      return { status: isSealed ? 503 : 200, json: { initialized: true, sealed: isSealed } }
    }
    if (isSealed) return refusal(503, 'Vault is sealed')
    const token = request.headers['x-vault-token'] ?? ''
    if (!tokens.has(token)) {
      return refusal(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n')
    }
    const prefix = `/v1/${mount}/`
    if (!request.path.startsWith(prefix)) return refusal(404, 'no handler for route')
    return engine(request.path.slice(prefix.length).split('/').map(decodeURIComponent), request)
  }

  const server = await startSecretServer(
    {
      answer(request) {
        const given = answer(request)
        requests.push({ path: request.path.replace('/v1/', ''), status: given.status })
        return given
      },
      throttled: () => refusal(429, 'request path "transit": rate limit quota exceeded'),
      internal: () => refusal(500, 'internal error'),
    },
    options.port ?? 0,
  )
  return {
    ...server,
    requests,
    seal(sealed = true) {
      isSealed = sealed
    },
    expireToken: (token) => void tokens.delete(token),
    deny(operation) {
      denied = operation
    },
  }
}

function data(fields: object): SecretAnswer {
  return { status: 200, json: { request_id: '00000000-0000-4000-8000-000000000000', data: fields } }
}

function refusal(status: number, ...errors: string[]): SecretAnswer {
  return { status, json: { errors } }
}

function base64(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : '', 'base64')
}

function parse(body: Buffer): Body {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8') || '{}')
    return typeof parsed === 'object' && parsed !== null ? (parsed as Body) : {}
  } catch {
    return {}
  }
}
