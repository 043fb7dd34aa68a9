import type { Secret } from './secret.ts'
import { KeyVaultError } from './vault-error.ts'

/** What a real call with a new key has shown. */
export type Verification =
  | { readonly ok: true }
  /** The vendor does not take it. */
  | { readonly ok: false; readonly reason: 'refused'; readonly detail: string }
  /** Unknown: the vendor does not answer. */
  | { readonly ok: false; readonly reason: 'unverified'; readonly detail: string }

/** Tries a key out, with a call that costs nothing. */
export type Verify = (secret: Secret, signal?: AbortSignal) => Promise<Verification>

export interface VerifyOptions {
  readonly provider: 'anthropic' | 'openrouter' | 'openai'
  /** The endpoint, with or without `/v1`. @default the provider's public one */
  readonly baseUrl?: string
  /**
   * How long the call may take, in milliseconds.
   * @default 10000
   */
  readonly timeout?: number
  /** @default the global one */
  readonly fetch?: typeof fetch
}

/** The defaults of {@link VerifyOptions}. */
export const verifyDefaults: { readonly timeout: number } = { timeout: 10_000 }

/** Paths that ask for a key and generate nothing. OpenRouter lists its models to anybody, so there it is the key's own. */
const providers = {
  anthropic: { baseUrl: 'https://api.anthropic.com', path: '/v1/models' },
  openrouter: { baseUrl: 'https://openrouter.ai/api', path: '/v1/key' },
  openai: { baseUrl: 'https://api.openai.com', path: '/v1/models' },
} as const

/**
 * Verifies a key with a real call to its vendor. Refused are 401, 402 and 403; 404 and 5xx show nothing
 * either way; 429 says that the vendor is busy, so that it knows the key.
 * @throws KeyVaultError INVALID_INPUT for a `baseUrl` that is no URL, or more than an address
 */
export function verifyCredential(options: VerifyOptions): Verify {
  mustHoldNoPassword(options.baseUrl)
  const { provider, timeout = verifyDefaults.timeout } = options
  const { baseUrl, path } = providers[provider]
  const url = `${(options.baseUrl ?? baseUrl).replace(/\/+$/, '').replace(/\/v1$/, '')}${path}`
  const send = options.fetch ?? fetch
  return async (secret, signal) => {
    const limit = AbortSignal.timeout(timeout)
    try {
      const response = await send(url, {
        headers: headersOf(provider, secret.expose()),
        redirect: 'error',
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      })
      await response.body?.cancel()
      return judge(response.status)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      return { ok: false, reason: 'unverified', detail: `no answer (${nameOf(error)})` }
    }
  }
}

/** `fetch` refuses such a URL too, in words that repeat it. */
function mustHoldNoPassword(baseUrl: string | undefined): void {
  const url = baseUrl === undefined ? undefined : URL.parse(baseUrl)
  if (url === undefined) return
  if (url === null) throw new KeyVaultError('INVALID_INPUT', 'the URL to verify a key at is none')
  if (url.username === '' && url.password === '' && url.search === '') return
  throw new KeyVaultError(
    'INVALID_INPUT',
    'the URL to verify a key at holds a user, a password or a query: give the address alone',
  )
}

function headersOf(provider: VerifyOptions['provider'], key: string): Record<string, string> {
  if (provider === 'anthropic') return { 'x-api-key': key, 'anthropic-version': '2023-06-01' }
  return { authorization: `Bearer ${key}` }
}

function judge(status: number): Verification {
  const detail = `the vendor answers ${status}`
  if (status === 401 || status === 403 || status === 402) return { ok: false, reason: 'refused', detail }
  if (status >= 500 || status === 404) return { ok: false, reason: 'unverified', detail }
  return { ok: true }
}

/** What a third-party verification throws may quote the key. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown error'
}
