import { createHmac } from 'node:crypto'

// Signatures as standardwebhooks.com specifies them, version 1.0.0: symmetric ones, `v1`.

const prefix = 'whsec_'

/** Bytes of a secret, by the specification. */
const fewest = 24
const most = 64

/**
 * What is wrong with a secret; undefined where nothing is. Does not repeat it.
 * @param text `whsec_` and 24 to 64 bytes in base64
 */
export function problemOfSecret(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return 'is not set'
  const advice = 'make one with: echo "whsec_$(openssl rand -base64 32)"'
  const encoded = text.trim().startsWith(prefix) ? text.trim().slice(prefix.length) : undefined
  if (encoded === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded))
    return `is not whsec_ and bytes in base64; ${advice}`
  const { length } = Buffer.from(encoded, 'base64')
  return length < fewest || length > most
    ? `has ${length} bytes; ${fewest} to ${most} are expected; ${advice}`
    : undefined
}

/**
 * The headers of one try.
 * @param id stays the same with each try, so that a receiver can tell a repetition
 * @param at seconds since the Unix epoch, of this try
 * @param secrets each signs: a receiver takes any of them while a secret is replaced
 */
export function webhookHeaders(
  id: string,
  at: number,
  body: string,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.trim().slice(prefix.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': signatures.join(' '),
  }
}
