import { isSigner } from '@spillway/core-client'
import type { Clock } from '@spillway/middleware'

/**
 * Obtains what a call would present, without a call: a signature or a token. Rejects where there is none; a key that is written down
 * needs nothing.
 * @param url of the endpoint
 */
export async function obtainCredential(credential: unknown, url: string, clock: Clock): Promise<void> {
  const unsigned = { method: 'GET', url: new URL(url), headers: {}, body: new Uint8Array() }
  if (isSigner(credential)) await credential.sign(unsigned, clock)
  else if (isSource(credential)) await credential.token(clock)
}

const isSource = (credential: unknown): credential is { token(clock: Clock): unknown } =>
  typeof credential === 'object' && credential !== null && 'token' in credential
