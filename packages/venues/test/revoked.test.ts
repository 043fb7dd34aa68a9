import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, createClient } from '@spillway/core-client'
import {
  startAwsCredentials,
  startBedrock,
  startEntraTokens,
  startFoundry,
  startGoogleTokens,
  startVertex,
} from '@spillway/testing'
import { afterAll, afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { awsCredential } from '../src/credentials/aws-credential.ts'
import { entraCredential } from '../src/credentials/entra-credential.ts'
import { googleCredential } from '../src/credentials/google-credential.ts'
import { bedrock } from '../src/endpoints/bedrock.ts'
import { foundry } from '../src/endpoints/first-party-venues.ts'
import { vertex } from '../src/endpoints/vertex.ts'

const home = mkdtempSync(join(tmpdir(), 'spillway-revoked-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

const nowhere = join(home, 'no-such-file')
const within = (environment: Readonly<Record<string, string | undefined>>): void => {
  const bare = {
    ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_PROFILE: undefined },
    ...{ AWS_SHARED_CREDENTIALS_FILE: nowhere, AWS_CONFIG_FILE: nowhere, HOME: home },
    ...{ GOOGLE_APPLICATION_CREDENTIALS: undefined, CLOUDSDK_CONFIG: nowhere },
    ...{ METADATA_SERVER_DETECTION: 'assume-present', AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential' },
  }
  for (const [name, value] of Object.entries({ ...bare, ...environment })) vi.stubEnv(name, value)
}
const file = (name: string, content: string): string => {
  writeFileSync(join(home, name), content)
  return join(home, name)
}

/** Calls at once, before and after all that was given out is revoked. */
async function callsAround(client: Client, revoke: () => void): Promise<void> {
  onTestFinished(() => client.close())
  const calls = () =>
    Promise.all(Array.from({ length: 5 }, () => client.complete('hello', { model: 'claude-opus-5' })))
  for (const { text } of await calls()) expect(text).not.toBe('')
  revoke()
  for (const { text } of await calls()) expect(text).not.toBe('')
}

it.each(['container', 'instance', 'webIdentity'] as const)(
  'keys of AWS from the %s are obtained once for all calls, and once more when they are revoked',
  async (way) => {
    await using aws = await startAwsCredentials()
    const region = 'us-east-1'
    await using server = await startBedrock({ identities: () => aws.identities, region })
    within({ ...aws.environment[way], AWS_WEB_IDENTITY_TOKEN_FILE: file('web', 'the pod') })
    if (way !== 'webIdentity') vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', undefined)
    const client = createClient({
      provider: bedrock({ region, url: server.url }),
      credential: awsCredential({ service: 'bedrock', region }, {}),
    })
    await callsAround(client, () => aws.revoke())
    expect(aws.asked[way]).toBe(2)
  },
)

// The key of a service account asks Google's own address, whatever its file says.
it.each(['metadata', 'workload', 'impersonated'] as const)(
  'tokens of Google by %s are obtained once for all calls, and once more when they are revoked',
  async (way) => {
    await using google = await startGoogleTokens()
    await using server = await startVertex({ tokens: google.isValid })
    within(google.environment)
    const content = {
      metadata: undefined,
      workload: google.workloadIdentity(file('subject', 'the pod')),
      impersonated: google.workloadIdentity(file('subject', 'the pod'), true),
    }[way]
    if (content !== undefined)
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file('google.json', JSON.stringify(content)))
    const client = createClient({
      provider: vertex({ project: 'project', region: 'global', url: server.url }),
      credential: googleCredential(),
    })
    await callsAround(client, () => google.revoke())
    expect(google.asked[way]).toBe(2)
  },
)

it('a token of a managed identity is obtained once for all calls', async () => {
  await using entra = await startEntraTokens()
  await using server = await startFoundry({ tokens: entra.isValid })
  within(entra.environment)
  const client = createClient({
    provider: foundry({ resource: 'x', url: `${server.url}/anthropic` }),
    ...{ credential: entraCredential({ scope: 'https://revoked.example/.default' }), scheme: 'bearer' },
  })
  // Microsoft's library keeps the token of a managed identity for the whole process: one that is revoked comes back until it expires.
  await callsAround(client, () => {})
  expect(entra.asked.managedIdentity).toBe(1)
})
