import type { IncomingHttpHeaders } from 'node:http'

/** Who calls, as far as the keys that were presented tell: fingerprints of them, which are safe to log and to keep. */
export interface Caller {
  /** Whom limits, budgets and bills are kept for; undefined for a caller without a key. */
  readonly tenant: string | undefined
  /** Everything that was presented, as an upstream gets it where callers bring their own keys. */
  readonly caller: string | undefined
}

const nobody: Caller = { tenant: undefined, caller: undefined }

export function callerFrom(
  { authorization, 'x-api-key': presented }: IncomingHttpHeaders,
  fingerprint: (key: string) => string,
): Caller {
  const bearer = authorization?.replace(/^bearer\s+/i, '') || undefined
  const apiKey = typeof presented === 'string' && presented !== '' ? presented : undefined
  const key = apiKey ?? bearer
  if (key === undefined) return nobody
  const tenant = `key-${fingerprint(key)}`
  if (bearer === undefined || bearer === key) return { tenant, caller: tenant }
  // Upstreams differ in which of the two they go by.
  return { tenant, caller: `key-${fingerprint(`${apiKey}\n${bearer}`)}` }
}
