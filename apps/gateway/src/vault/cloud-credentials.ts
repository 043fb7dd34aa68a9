import { CredentialError } from '@spillway/core-client'
import type { Clock } from '@spillway/middleware'
import type { EndpointConfig } from '../config/config.ts'
import { cloudOf } from '../config/venue-config.ts'
import { cloudCredential } from '../venues/venue-credential.ts'
import { obtainCredential } from './obtain-credential.ts'

/** Whether what clouds find by themselves can be had, as it was seen last. */
export interface CloudCredentials {
  /** Why a call would have no credential now; undefined where it would have one, or that is not known yet. Asks in the background. */
  problemOf(endpoint: EndpointConfig, clock: Clock): string | undefined
}

/** Endpoints that share a chain of credentials are few. */
const mostChains = 32

/** What is signed is not sent. */
const anywhere = 'https://localhost/'

/** Asks each chain of credentials again and again, as often as it is looked at: what was found is kept until it expires. */
export function watchClouds(): CloudCredentials {
  const chains = new Map<
    string,
    { ask(clock: Clock): Promise<void>; isAsking: boolean; problem: string | undefined }
  >()
  const chainOf = (endpoint: EndpointConfig) => {
    const key = `${endpoint.credential} ${endpoint.api}`
    let chain = chains.get(key)
    if (chain === undefined && chains.size < mostChains) {
      const { credential } = cloudCredential(endpoint) ?? {}
      const ask = (clock: Clock): Promise<void> => obtainCredential(credential, anywhere, clock)
      chain = { ask, isAsking: false, problem: undefined }
      chains.set(key, chain)
    }
    return chain
  }
  return {
    problemOf(endpoint, clock) {
      if (cloudOf(endpoint.credential) === undefined) return undefined
      const chain = chainOf(endpoint)
      if (chain === undefined) return undefined
      if (!chain.isAsking) {
        chain.isAsking = true
        const heard = (problem: string | undefined): void => {
          chain.problem = problem
          chain.isAsking = false
        }
        chain.ask(clock).then(
          () => heard(undefined),
          (error: unknown) =>
            heard(error instanceof CredentialError ? error.message : 'it could not be obtained'),
        )
      }
      return chain.problem
    },
  }
}
