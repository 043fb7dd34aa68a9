import {
  type SecretAnswer,
  type SecretRequest,
  type SecretServer,
  type SecretServing,
  type SecretSite,
  startSecretServer,
} from './secret-server.ts'

/** What all simulated sources of credentials can be told. */
export interface CredentialServerOptions {
  /** @default 0: any free port */
  readonly port?: number
  /** How long what is given out is good for, in milliseconds. @default 3600000 */
  readonly lifetimeMs?: number
  /** Milliseconds before each answer. @default 0 */
  readonly delayMs?: number
  /** The server's time, in milliseconds since the Unix epoch. @default the system's */
  readonly now?: () => number
}

/** A simulated source of credentials. */
export interface CredentialServer<Way extends string> extends SecretServer {
  /** How often each way to credentials was asked for them, also in vain. */
  readonly asked: Readonly<Record<Way, number>>
  /** How long what is given out from now on is good for, in milliseconds. */
  setLifetime(ms: number): void
  /** Milliseconds before each answer from now on. */
  setDelay(ms: number): void
  /** Everything given out so far is refused from now on, and not given out again. */
  revoke(): void
}

/** Something that was given out. */
export interface Issued<T> {
  readonly value: T
  /** In milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** Gives out what expires. */
export interface Issuer<T> {
  readonly now: () => number
  readonly issued: Issued<T>[]
  /** Something new. */
  issue(): Issued<T>
  /** The same as before, until so many milliseconds before it expires. */
  held(way: string, ahead: number): Issued<T>
}

/** Runs a source of credentials. */
export async function startCredentialServer<T, Way extends string>(
  options: CredentialServerOptions,
  ways: readonly Way[],
  make: (count: number, expiresAt: number) => T,
  answering: (issuer: Issuer<T>, asked: (way: Way) => void) => SecretSite['answer'],
  serving: SecretServing = {},
): Promise<{ readonly server: CredentialServer<Way>; readonly issuer: Issuer<T> }> {
  const { lifetimeMs = 3_600_000, delayMs = 0, now = Date.now } = options
  let lifetime = lifetimeMs
  let delay = delayMs
  let count = 0
  const asked = Object.fromEntries(ways.map((way) => [way, 0])) as Record<Way, number>
  const holding = new Map<string, Issued<T>>()
  const issuer: Issuer<T> = {
    now,
    issued: [],
    issue() {
      const expiresAt = now() + lifetime
      const one = { value: make(++count, expiresAt), expiresAt }
      issuer.issued.push(one)
      return one
    },
    held(way, ahead) {
      const before = holding.get(way)
      if (before !== undefined && before.expiresAt - now() > ahead) return before
      const one = issuer.issue()
      holding.set(way, one)
      return one
    },
  }
  const server = await startSecretServer(
    {
      answer: answering(issuer, (way) => {
        asked[way]++
      }),
      throttled: () => ({ status: 429, json: { message: 'Too many requests' } }),
      internal: () => ({ status: 500, json: { message: 'Internal error' } }),
    },
    options.port ?? 0,
    { ...serving, delay: () => delay },
  )
  return {
    issuer,
    server: {
      ...server,
      asked,
      setLifetime(ms) {
        lifetime = ms
      },
      setDelay(ms) {
        delay = ms
      },
      revoke() {
        issuer.issued.length = 0
        holding.clear()
      },
    },
  }
}

/** Whether a token was given out, and is still good. */
export function isGood(issuer: Issuer<string>, token: string): boolean {
  return issuer.issued.some(({ value, expiresAt }) => value === token && issuer.now() < expiresAt)
}

/** The fields of a form, or of JSON. */
export function formOf({ headers, body }: SecretRequest): Readonly<Record<string, string>> {
  const text = Buffer.from(body).toString()
  if (!headers['content-type']?.includes('json')) return Object.fromEntries(new URLSearchParams(text))
  try {
    return JSON.parse(text) as Record<string, string>
  } catch {
    return {}
  }
}

/** A plain text. */
export function textAnswer(
  text: string,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): SecretAnswer {
  return { status, text, headers: { 'content-type': 'text/plain', ...headers } }
}
