import type { Failure } from '@spillway/middleware'
import type { RequestHeaders, ResponseHeaders } from '@spillway/middleware/kit'

/** The places of a request's secrets. */
const secretHeaders = ['x-api-key', 'authorization', 'api-key', 'x-goog-api-key'] as const

/** Shorter ones are no secrets, and could be part of any word. */
const shortestSecret = 8

/**
 * Takes the secrets that a request carried out of what its upstream says about it: an error that quotes them would
 * carry them into answers, logs, spans and books. Every length stays as it is, so that headers still hold.
 */
export class CredentialMask {
  readonly #secrets: readonly string[]

  constructor(headers: RequestHeaders) {
    const secrets = secretHeaders.flatMap((name) => secretsOf(headers[name]))
    // The longest first: one may be part of another.
    this.#secrets = [...new Set(secrets)].sort((a, b) => b.length - a.length)
  }

  text(text: string): string {
    return this.#secrets.reduce(
      (masked, secret) => masked.replaceAll(secret, '*'.repeat(secret.length)),
      text,
    )
  }

  /** The same bytes where there is nothing to take out. */
  bytes(bytes: Uint8Array): Uint8Array {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (!this.#secrets.some((secret) => buffer.includes(secret, 0, 'latin1'))) return bytes
    return Buffer.from(this.text(buffer.toString('latin1')), 'latin1')
  }

  failure(failure: Failure): Failure {
    const { code, requestId } = failure
    const message = this.#withoutBeginning(this.text(failure.message))
    return {
      ...failure,
      message,
      ...(code !== undefined && { code: this.text(code) }),
      ...(requestId !== undefined && { requestId: this.text(requestId) }),
    }
  }

  /** A message that was cut may end in the middle of a secret. */
  #withoutBeginning(message: string): string {
    if (!message.endsWith('…')) return message
    const text = message.slice(0, -1)
    for (const secret of this.#secrets) {
      for (let length = Math.min(secret.length, text.length); length >= shortestSecret; length--) {
        if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}${'*'.repeat(length)}…`
      }
    }
    return message
  }

  headers(headers: ResponseHeaders): ResponseHeaders {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? this.text(value) : value?.map((each) => this.text(each)),
      ]),
    )
  }
}

/** A header's secret verbatim and as JSON may escape it. */
function secretsOf(value: string | undefined): string[] {
  const secret = value?.replace(/^(bearer|basic)\s+/i, '')
  if (secret === undefined || secret.length < shortestSecret) return []
  return [secret, secret.replaceAll('/', '\\/'), JSON.stringify(secret).slice(1, -1)]
}
