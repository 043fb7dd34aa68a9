import { CredentialError, createClient } from '@spillway/core-client'
import type { Vault } from '@spillway/key-vault'
import { systemClock } from '@spillway/middleware'
import { normaliseBaseUrl } from '@spillway/wire'
import type { EndpointConfig, TargetConfig } from '../config/config.ts'
import { networkOf } from '../config/network-problems.ts'
import { obtainCredential } from '../vault/obtain-credential.ts'
import { credentialOf } from '../venues/venue-credential.ts'
import { providerOf } from '../venues/venue-profile.ts'

/** What a count of tokens has shown. */
export type Counted =
  | {
      readonly status: number
      /** In milliseconds. */
      readonly latency: number
      readonly date: string | null
      /** What the place says of an error; empty where it says nothing. */
      readonly words: string
    }
  /** Why there is no credential, in words that may be shown. */
  | { readonly problem: string }
  | { readonly error: unknown }

export interface CountAt {
  readonly target: TargetConfig
  readonly endpoint: EndpointConfig
  readonly vault: Vault | undefined
  /** For the credential and for the answer, in milliseconds. */
  readonly patience: number
}

/** A model that all clouds sell, where the configuration names none. */
const usualModel = 'claude-haiku-4-5'

/** Obtains the credential of an endpoint and asks it for a count of tokens, which costs nothing, as a call would be sent. */
export async function countAt({ target, endpoint, vault, patience }: CountAt): Promise<Counted> {
  const { credential, scheme } = credentialOf(endpoint, vault)
  const client = createClient({
    ...providerOf(target, endpoint),
    ...(credential !== undefined && { credential }),
    ...(scheme !== undefined && { scheme }),
    forwardHeaders: Object.keys(endpoint.headers ?? {}),
    pool: networkOf(endpoint),
  })
  try {
    const problem = await obtained(credential, normaliseBaseUrl(client.baseUrl), patience)
    if (problem !== undefined) return { problem }
    const model = target.model ?? Object.keys(target.models ?? {})[0] ?? usualModel
    const from = performance.now()
    const response = await client.fetch(`${normaliseBaseUrl(client.baseUrl)}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
      signal: AbortSignal.timeout(patience),
    })
    const latency = Math.round(performance.now() - from)
    const said = (await response.json().catch(() => ({}))) as {
      readonly error?: { readonly message?: unknown }
    }
    const words = response.ok ? '' : String(said?.error?.message ?? '').slice(0, 200)
    return { status: response.status, latency, date: response.headers.get('date'), words }
  } catch (error) {
    return { error }
  } finally {
    await client.close()
  }
}

/** Why a credential cannot be had now; undefined where it can. */
async function obtained(credential: unknown, url: string, patience: number): Promise<string | undefined> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new CredentialError(`no credential within ${patience} ms`)),
    patience,
  )
  try {
    await Promise.race([obtainCredential(credential, url, systemClock), late.promise])
    return undefined
  } catch (error) {
    return error instanceof CredentialError ? error.message : 'the credential could not be obtained'
  } finally {
    clearTimeout(timer)
  }
}
