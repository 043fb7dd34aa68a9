import { withDefaults } from '@spillway/middleware/kit'
import { contextBytes, type SealContext, type Sealer } from './sealer.ts'
import { KeyVaultError } from './vault-error.ts'

export interface TransitSealerOptions {
  /** The server: `https://vault.example.com:8200`. */
  readonly url: string
  /** The name of the transit key. */
  readonly key: string
  /** The token, or how to get one: asked before each request, so that a renewed one is used at once. */
  readonly token: string | (() => string | Promise<string>)
  /** @default 'transit' */
  readonly mount?: string
  /** Vault Enterprise and OpenBao namespaces. */
  readonly namespace?: string
  /**
   * How long one request may take, in milliseconds.
   * @default 5000
   */
  readonly requestTimeout?: number
  /** @default the global one */
  readonly fetch?: typeof fetch
}

/** The defaults of {@link TransitSealerOptions}. */
export const transitDefaults: { readonly mount: string; readonly requestTimeout: number } = {
  mount: 'transit',
  requestTimeout: 5_000,
}

/**
 * Seals by the transit engine of HashiCorp Vault or OpenBao. The context is bound to it as associated data, which
 * takes an AEAD key: `aes256-gcm96`, the default type, or `chacha20-poly1305`.
 */
export function transit(options: TransitSealerOptions): Sealer {
  const settings = withDefaults(transitDefaults, options)
  const post = (operation: 'encrypt' | 'decrypt', body: object): Promise<Record<string, unknown>> =>
    ask(settings, `${settings.mount}/${operation}/${encodeURIComponent(settings.key)}`, body)
  return {
    name: 'transit',
    async seal(bytes, context) {
      const answer = await post('encrypt', { plaintext: base64(bytes), ...bound(context) })
      return new TextEncoder().encode(text(answer.ciphertext))
    },
    async open(sealed, context) {
      const ciphertext = Buffer.from(sealed).toString('latin1')
      const answer = await post('decrypt', { ciphertext, ...bound(context) })
      return Buffer.from(text(answer.plaintext), 'base64')
    },
  }
}

async function ask(
  settings: TransitSealerOptions & typeof transitDefaults,
  path: string,
  body: object,
): Promise<Record<string, unknown>> {
  const { url, token, namespace, requestTimeout } = settings
  const send = settings.fetch ?? fetch
  // Outside of what follows: why there is no token is for its source to say.
  const heldToken = typeof token === 'string' ? token : await token()
  let status: number
  let answer: { data?: Record<string, unknown>; errors?: unknown[] }
  try {
    const response = await send(`${url.replace(/\/+$/, '')}/v1/${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-vault-request': 'true',
        'x-vault-token': heldToken,
        ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(requestTimeout),
    })
    status = response.status
    answer = (await response.json()) as typeof answer
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown error'
    throw new KeyVaultError('UNAVAILABLE', `the transit server gives no answer that can be used (${name})`)
  }
  if (status === 200 && answer.data !== undefined) return answer.data
  throw transitError(status, (answer.errors ?? []).filter((line) => typeof line === 'string').join('; '))
}

/** What the server says decides, but stays out of the message: it may quote what was sent. */
function transitError(status: number, said: string): KeyVaultError {
  if (status === 503 || /sealed/i.test(said)) {
    return new KeyVaultError('SEALED', 'the transit server is sealed: unseal it')
  }
  if (status === 403 && /invalid token|expired|bad token/i.test(said)) {
    return new KeyVaultError('TOKEN_EXPIRED', 'the transit token has expired or was revoked: get a new one')
  }
  if (status === 403) {
    return new KeyVaultError(
      'ACCESS_DENIED',
      "the transit token's policy lacks update on encrypt and decrypt of this key",
    )
  }
  if (status === 404 || /key not found/i.test(said)) {
    return new KeyVaultError(
      'KEY_MISSING',
      'the transit server has no such key or mount: check key, mount and namespace',
    )
  }
  if (/disallowed by policy|version is disallowed|too old/i.test(said)) {
    return new KeyVaultError(
      'KEY_DISABLED',
      'the version of the transit key is below min_decryption_version: lower that',
    )
  }
  if (status === 400) {
    return new KeyVaultError(
      'WRONG_CONTEXT',
      'the transit server does not open it: the context differs from the one that it was sealed with, or another key sealed it',
    )
  }
  return new KeyVaultError('UNAVAILABLE', `the transit server answers ${status}`)
}

function bound(context: SealContext): { associated_data: string } {
  return { associated_data: base64(contextBytes(context)) }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new KeyVaultError('UNAVAILABLE', 'the transit server gives an answer of another shape')
}
