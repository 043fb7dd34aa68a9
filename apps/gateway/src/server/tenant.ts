import type { IncomingHttpHeaders } from 'node:http'

/** Who calls, as far as the keys that were presented tell: fingerprints of them, which are safe to log and to keep. */
export interface Caller {
  /** Whom limits, budgets and bills are kept for; undefined for a caller without a key. */
  readonly tenant: string | undefined
  /** Everything that was presented, as an upstream gets it where callers bring their own keys. */
  readonly caller: string | undefined
}

const nobody: Caller = { tenant: undefined, caller: undefined }

/** AWS's signatures: another with each request, and with the id of the key that signs, which is no secret. */
const signature = /^AWS4-[\w-]+ Credential=([^/,\s]+)/

/** Whether a call carries a signature for AWS instead of a key. Such a one is for one request, and cannot be passed on. */
export const isSigned = (authorization: string | undefined): boolean =>
  authorization?.startsWith('AWS4-') === true

/** @param client that has been authenticated: then it is known by its name */
export function callerFrom(
  { authorization, 'x-api-key': presented, 'api-key': azures }: IncomingHttpHeaders,
  fingerprint: (key: string) => string,
  client?: { readonly name: string },
): Caller {
  if (client !== undefined) return { tenant: client.name, caller: client.name }
  const signer = isSigned(authorization) ? signature.exec(authorization ?? '')?.[1] : undefined
  const bearer = signer ?? (authorization?.replace(/^bearer\s+/i, '') || undefined)
  const given = presented ?? azures
  const apiKey = typeof given === 'string' && given !== '' ? given : undefined
  const key = apiKey ?? bearer
  if (key === undefined) return nobody
  const tenant = `key-${fingerprint(key)}`
  if (bearer === undefined || bearer === key) return { tenant, caller: tenant }
  // Upstreams differ in which of the two they use.
  return { tenant, caller: `key-${fingerprint(`${apiKey}\n${bearer}`)}` }
}
