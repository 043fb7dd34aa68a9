import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import { fromHttp, fromInstanceMetadata, fromTokenFile } from '@aws-sdk/credential-providers'
import { ClientSecretCredential, getBearerTokenProvider, ManagedIdentityCredential } from '@azure/identity'
import { GoogleAuth, JWT } from 'google-auth-library'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type AwsWay,
  startAwsCredentials,
  startBedrock,
  startEntraTokens,
  startFoundry,
  startGoogleTokens,
  startVertex,
} from './index.ts'

const prompt = {
  model: 'claude-opus-5',
  max_tokens: 20,
  messages: [{ role: 'user' as const, content: 'Hi' }],
}
const minute = 60_000
const refused = (reason: { readonly status?: number }): unknown => reason.status ?? reason

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credential-sources-'))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())
const within = (environment: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
}
const file = async (name: string, content: string): Promise<string> => {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

describe('credentials of AWS', () => {
  /** Providers of AWS's own SDK, by way. */
  const providers = {
    container: async () => fromHttp({ maxRetries: 0 }),
    instance: async () => fromInstanceMetadata({ maxRetries: 0 }),
    webIdentity: async () =>
      fromTokenFile({
        webIdentityTokenFile: await file('web-identity', 'web'),
        roleSessionName: 'session',
        clientConfig: { maxAttempts: 1 },
      }),
  }

  it.each(['container', 'instance', 'webIdentity'] as const)(
    'come from the %s by the SDK of AWS, and are taken until they expire or are revoked',
    async (way) => {
      let time = Date.now()
      const now = (): number => time
      await using source = await startAwsCredentials({
        ...{ containerToken: 'container', webIdentityTokens: ['web'], lifetimeMs: 15 * minute, now },
      })
      // A date for the checks of signatures that follows the system's clock.
      await using venue = await startBedrock({
        identities: () => source.identities,
        region: 'us-east-1',
        now: Date.now,
      })
      within(source.environment[way])
      const provider = await providers[way]()
      const client = new AnthropicBedrock({
        ...{ baseURL: venue.url, awsRegion: 'us-east-1', maxRetries: 0 },
        providerChainResolver: async () => provider,
      })
      expect((await client.messages.create(prompt)).stop_reason).toBe('end_turn')
      const { expiration } = await provider()
      expect(expiration?.getTime()).toBe(Math.floor(time / 1000) * 1000 + 15 * minute + (time % 1000))
      expect(source.asked).toEqual({ container: 0, instance: 0, webIdentity: 0, [way]: 2 })
      expect(source.identities).toHaveLength(way === 'webIdentity' ? 2 : 1)
      time += 11 * minute
      const next = await provider()
      expect(next.accessKeyId).toBe(source.identities.at(-1)?.accessKeyId)
      source.revoke()
      expect(source.identities).toEqual([])
      const stale = new AnthropicBedrock({
        ...{ baseURL: venue.url, awsRegion: 'us-east-1', maxRetries: 0 },
        providerChainResolver: async () => async () => next,
      })
      expect(await stale.messages.create(prompt).catch(refused)).toBe(403)
    },
  )

  it('are refused to those who do not say who they are', async () => {
    await using source = await startAwsCredentials({
      ...{
        containerToken: 'right',
        webIdentityTokens: ['right'],
        roles: ['arn:aws:iam::123456789012:role/a'],
      },
    })
    const get = async (path: string, init: RequestInit = {}): Promise<number> =>
      (await fetch(source.url + path, init)).status
    expect(await get('/container', { headers: { authorization: 'wrong' } })).toBe(401)
    expect(await get('/latest/meta-data/iam/security-credentials/')).toBe(401)
    expect(await get('/latest/api/token', { method: 'PUT' })).toBe(400)
    const assume = async (fields: Record<string, string>): Promise<string | undefined> => {
      const body = new URLSearchParams({
        Action: 'AssumeRoleWithWebIdentity',
        RoleSessionName: 'abc',
        ...fields,
      })
      const text = await (await fetch(source.url, { method: 'POST', body })).text()
      return /<Code>(.*?)<\/Code>/.exec(text)?.[1]
    }
    const RoleArn = 'arn:aws:iam::123456789012:role/a'
    const past = `a.${Buffer.from(JSON.stringify({ exp: 1 })).toString('base64url')}.c`
    expect(await assume({ RoleArn, WebIdentityToken: 'right' })).toBeUndefined()
    expect(await assume({ RoleArn, WebIdentityToken: 'wrong' })).toBe('InvalidIdentityToken')
    expect(await assume({ RoleArn, WebIdentityToken: past })).toBe('ExpiredTokenException')
    expect(await assume({ RoleArn: 'role', WebIdentityToken: 'right' })).toBe('ValidationError')
    expect(await assume({ RoleArn: `${RoleArn}b`, WebIdentityToken: 'right' })).toBe('AccessDenied')
    expect(source.identities).toHaveLength(1)
  })

  it('come late, or not at all, where told', async () => {
    await using source = await startAwsCredentials({ delayMs: 60 })
    within(source.environment.container)
    const start = performance.now()
    await (await providers.container())()
    expect(performance.now() - start).toBeGreaterThan(55)
    source.setDelay(0)
    source.next({ type: 'internal' }, { type: 'throttled' }, { type: 'reset' })
    for (let i = 0; i < 3; i++) await expect((await providers.container())()).rejects.toThrow()
    const ways: Readonly<Record<AwsWay, number>> = source.asked
    expect(ways.container).toBe(1)
  })
})

describe('access tokens of Google', () => {
  const scopes = ['https://www.googleapis.com/auth/cloud-platform']

  it('come from the metadata server by Google’s library, the same until four minutes before they expire', async () => {
    let time = Date.now()
    await using source = await startGoogleTokens({ now: () => time, lifetimeMs: 60 * minute })
    await using venue = await startVertex({ tokens: source.isValid })
    within({ ...source.environment, METADATA_SERVER_DETECTION: 'assume-present', HOME: folder })
    const client = new AnthropicVertex({
      ...{ baseURL: `${venue.url}/v1`, region: 'global', projectId: 'p', maxRetries: 0 },
      googleAuth: new GoogleAuth({ scopes, projectId: 'p' }) as never,
    })
    expect((await client.messages.create(prompt)).stop_reason).toBe('end_turn')
    const token = async (): Promise<unknown> =>
      (await new GoogleAuth({ scopes, projectId: 'p' }).getAccessToken()) as unknown
    const first = await token()
    time += 55 * minute
    expect(await token()).toBe(first)
    time += 2 * minute
    expect(await token()).not.toBe(first)
    expect(source.asked.metadata).toBe(4)
    source.revoke()
    expect(await client.messages.create(prompt).catch(refused)).toBe(401)
    expect((await fetch(`${source.url}/computeMetadata/v1/instance`)).status).toBe(403)
  })

  it('come for the key of a service account, whose assertion is checked', async () => {
    await using source = await startGoogleTokens()
    const client = (key: { client_email: string; private_key: string }): JWT => {
      const jwt = new JWT({ email: key.client_email, key: key.private_key, scopes })
      // The library asks Google, whatever the file says.
      jwt.transporter.interceptors.request.add({
        resolved: async (options) => ({ ...options, url: new URL(source.serviceAccount.token_uri) }) as never,
      })
      return jwt
    }
    const { token } = await client(source.serviceAccount).getAccessToken()
    expect(source.isValid(token as string)).toBe(true)
    const other = await generate([{ name: 'commonName', value: 'other' }], { keyType: 'rsa' })
    const strangers = [
      client({ ...source.serviceAccount, private_key: other.private }),
      client({ ...source.serviceAccount, client_email: 'other@project.iam.gserviceaccount.com' }),
    ]
    for (const each of strangers) await expect(each.getAccessToken()).rejects.toThrow('invalid_grant')
    expect(source.asked.serviceAccount).toBe(3)
  })

  it('come for the identity of a workload and for one whom it impersonates, and for users', async () => {
    await using source = await startGoogleTokens({ subjectTokens: ['right'], refreshTokens: ['right'] })
    const subject = await file('subject', 'right')
    const token = async (credentials: object): Promise<string> => {
      within({ GOOGLE_APPLICATION_CREDENTIALS: await file('credentials.json', JSON.stringify(credentials)) })
      return String(await new GoogleAuth({ scopes, projectId: 'p' }).getAccessToken())
    }
    expect(source.isValid(await token(source.workloadIdentity(subject)))).toBe(true)
    expect(source.isValid(await token(source.workloadIdentity(subject, true)))).toBe(true)
    const stranger = await file('stranger', 'wrong')
    await expect(token(source.workloadIdentity(stranger))).rejects.toThrow('invalid_grant')
    expect(source.asked).toMatchObject({ workload: 3, impersonated: 1 })
    const refresh = async (refresh_token: string): Promise<number> => {
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token })
      return (await fetch(source.serviceAccount.token_uri, { method: 'POST', body })).status
    }
    expect([await refresh('right'), await refresh('wrong')]).toEqual([200, 400])
  })
})

describe('access tokens of Entra', () => {
  const scope = 'https://ai.azure.com/.default'

  it('come for a managed identity by Microsoft’s library', async () => {
    await using source = await startEntraTokens({ scopes: [scope] })
    await using venue = await startFoundry({ tokens: source.isValid })
    within(source.environment)
    const client = new AnthropicFoundry({
      ...{ baseURL: `${venue.url}/anthropic/`, maxRetries: 0 },
      azureADTokenProvider: getBearerTokenProvider(new ManagedIdentityCredential(), scope),
    })
    expect((await client.messages.create(prompt as never)) as unknown).toMatchObject({
      stop_reason: 'end_turn',
    })
    expect(source.asked.managedIdentity).toBe(1)
    source.revoke()
    expect(await client.messages.create(prompt as never).catch(refused)).toBe(401)
  })

  it('come for the secret of a client by Microsoft’s library, over TLS', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    await using source = await startEntraTokens({
      tls: { key, cert },
      clients: { client: 'right' },
      scopes: [scope],
    })
    const credential = (secret: string): ClientSecretCredential =>
      new ClientSecretCredential('tenant', 'client', secret, {
        ...{ authorityHost: source.url, disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } },
        tlsOptions: { ca: cert },
      })
    const { token, expiresOnTimestamp } = await credential('right').getToken(scope)
    expect(source.isValid(token)).toBe(true)
    expect(Math.abs(expiresOnTimestamp - Date.now() - 60 * minute)).toBeLessThan(5_000)
    await expect(credential('wrong').getToken(scope)).rejects.toThrow('AADSTS7000215')
    await expect(credential('right').getToken('https://other.example/.default')).rejects.toThrow(
      'AADSTS1002012',
    )
    expect(source.asked.clientSecret).toBe(3)
  })
})
