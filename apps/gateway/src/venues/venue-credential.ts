import { type ClientOptions, CredentialError, callerCredential } from '@spillway/core-client'
import type { Vault } from '@spillway/key-vault'
import { type AwsService, awsCredential, entraCredential, googleCredential } from '@spillway/venues'
import type { EndpointConfig } from '../config/config.ts'
import { cloudOf } from '../config/venue-config.ts'
import { vaultCredential } from '../vault/vault-credential.ts'

/** The services that signatures are for. */
const services: Readonly<Record<string, AwsService>> = {
  'bedrock-mantle': 'bedrock-mantle',
  'claude-aws': 'aws-external-anthropic',
}

/** What a cloud finds by itself: `aws`, `google`, `azure`. Nothing is loaded or asked before the first call. */
export function cloudCredential({
  api,
  region = 'us-east-1',
  credential,
}: Pick<EndpointConfig, 'api' | 'region' | 'credential'>):
  | Pick<ClientOptions, 'credential' | 'scheme'>
  | undefined {
  const cloud = cloudOf(credential)
  if (cloud === 'aws')
    return { credential: awsCredential({ service: services[api ?? ''] ?? 'bedrock', region }) }
  if (cloud === 'google') return { credential: googleCredential(), scheme: 'bearer' }
  return cloud === 'azure' ? { credential: entraCredential(), scheme: 'bearer' } : undefined
}

/**
 * The credential of an endpoint. `caller` passes on what the caller presents; nothing at all keeps it from reaching the
 * endpoint.
 */
export function credentialOf(
  endpoint: EndpointConfig,
  vault: Vault | undefined,
): Pick<ClientOptions, 'credential' | 'scheme'> {
  const { credential: reference, auth } = endpoint
  const ofCloud = cloudCredential(endpoint)
  if (ofCloud !== undefined) return ofCloud
  const scheme = auth === undefined ? {} : { scheme: auth }
  if (reference === 'caller') return { credential: callerCredential }
  if (reference === undefined) return { credential: null }
  if (reference.startsWith('vault:')) {
    return { ...scheme, credential: vault === undefined ? null : vaultCredential(reference, vault) }
  }
  return { ...scheme, credential: variableOf(reference) }
}

/** What `env:NAME` holds now. Calls fail where that is nothing: they would go out without a key, and be refused. */
function variableOf(reference: string): NonNullable<ClientOptions['credential']> {
  const value = process.env[reference.slice('env:'.length)]?.trim()
  if (value) return value
  return {
    token() {
      throw new CredentialError(`the credential ${reference} is not set`)
    },
    refused() {},
  }
}
