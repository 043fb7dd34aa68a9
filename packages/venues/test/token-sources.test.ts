import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Failure, systemClock } from '@spillway/middleware'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { awsCredential } from '../src/credentials/aws-credential.ts'
import { awsSignature } from '../src/credentials/aws-signature.ts'
import { entraCredential } from '../src/credentials/entra-credential.ts'
import { googleCredential } from '../src/credentials/google-credential.ts'
import { loadPeer } from '../src/credentials/load-peer.ts'

/** Says what a metadata server answers. */
let answer: (request: IncomingMessage) => { readonly status?: number; readonly body: unknown }
const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(request.url as string)
  request.resume()
  const { status = 200, body } = answer(request)
  response.writeHead(status, { 'content-type': 'application/json', 'metadata-flavor': 'Google' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
})
let url: string
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const home = mkdtempSync(join(tmpdir(), 'spillway-home-'))
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 9 }))
const nowhere = join(home, 'no-such-file')
/** Nothing of the machine that runs the test. */
const bare = {
  ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_PROFILE: undefined },
  ...{ AWS_SHARED_CREDENTIALS_FILE: nowhere, AWS_CONFIG_FILE: nowhere, AWS_EC2_METADATA_DISABLED: 'true' },
  ...{ AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined, AWS_WEB_IDENTITY_TOKEN_FILE: undefined },
  ...{ GOOGLE_APPLICATION_CREDENTIALS: undefined, CLOUDSDK_CONFIG: nowhere, HOME: home },
  ...{ METADATA_SERVER_DETECTION: 'none', GCE_METADATA_HOST: undefined },
  ...{ AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, AZURE_CLIENT_SECRET: undefined },
  ...{ IDENTITY_ENDPOINT: undefined, IDENTITY_HEADER: undefined, AZURE_TOKEN_CREDENTIALS: undefined },
}
const within = (environment: Record<string, string | undefined>): void => {
  asked.length = 0
  for (const [name, value] of Object.entries({ ...bare, ...environment })) vi.stubEnv(name, value)
}
afterEach(() => vi.unstubAllEnvs())

const reasonOf = async (waiting: unknown): Promise<string> => {
  const error = await Promise.resolve(waiting).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(Error)
  const { name, message } = error as Error
  expect(name).toBe('CredentialError')
  return message
}

describe('the usual chain of AWS', () => {
  const sign = (signer = awsSignature({ service: 'bedrock', region: 'us-east-1' })) =>
    signer.sign(
      { method: 'POST', url: new URL('https://host/'), headers: {}, body: new Uint8Array() },
      systemClock,
    )

  it('finds the keys of a container, once for all calls', async () => {
    within({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container` })
    const Expiration = new Date(Date.now() + 3_600_000).toISOString()
    answer = () => ({
      body: { AccessKeyId: 'ASIAC', SecretAccessKey: 's', Token: 'of-container', Expiration },
    })
    const signer = awsSignature({ service: 'bedrock', region: 'us-east-1' })
    const all = await Promise.all([sign(signer), sign(signer), sign(signer)])
    for (const { headers } of all) expect(headers['x-amz-security-token']).toBe('of-container')
    expect(asked).toEqual(['/container'])
  })

  it('finds the keys of a profile, also those that have been written since', async () => {
    const file = join(home, 'profile')
    within({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'team' })
    const write = (id: string) =>
      writeFile(file, `[team]\naws_access_key_id = ${id}\naws_secret_access_key = s\n`)
    await write('AKIAOLD')
    const signer = awsSignature({ service: 'bedrock', region: 'us-east-1' })
    const signature = await sign(signer)
    expect(signature.headers.authorization).toContain('Credential=AKIAOLD/')
    await write('AKIANEW')
    const failure: Failure = {
      ...{ kind: 'authentication' as const, message: 'No', code: 'UnrecognizedClientException' },
      ...{ scope: 'key' as const, retryable: false, origin: 'upstream' as const },
    }
    expect(signer.refused({ signature, status: 403, headers: {}, failure }, systemClock)).toBe(true)
    expect((await sign(signer)).headers.authorization).toContain('Credential=AKIANEW/')
  })

  it('asks for a role through the proxy of the environment', async () => {
    const connected: string[] = []
    const proxy = createServer().on('connect', ({ url: host }, socket) => {
      connected.push(host as string)
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const token = join(home, 'web-identity')
    await writeFile(token, 'the-identity-of-the-pod')
    within({
      ...{ AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/claude' },
      ...{ AWS_REGION: 'us-east-1', AWS_MAX_ATTEMPTS: '1' },
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    })
    expect(await reasonOf(sign())).toMatch(/^no AWS credentials/)
    expect(connected).toEqual(['sts.us-east-1.amazonaws.com:443'])
    proxy.close()
  })

  it('says where it looked, and what to do', async () => {
    within({})
    expect(await reasonOf(sign())).toMatch(
      /^no AWS credentials: neither the environment \(AWS_ACCESS_KEY_ID.*aws sso login/,
    )
  })

  it('gives way to an API key of the environment', () => {
    const options = { service: 'bedrock', region: 'us-east-1' } as const
    expect(awsCredential(options, { AWS_BEARER_TOKEN_BEDROCK: ' key ' })).toBe('key')
    expect(awsCredential(options, { ANTHROPIC_AWS_API_KEY: 'key' })).toHaveProperty('sign')
    const platform = { ...options, service: 'aws-external-anthropic' } as const
    expect(awsCredential(platform, { ANTHROPIC_AWS_API_KEY: 'key' })).toBe('key')
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    expect(awsCredential({ ...options, credentials }, { AWS_BEARER_TOKEN_BEDROCK: 'k' })).toHaveProperty(
      'sign',
    )
  })
})

describe('a credential of Google', () => {
  it('is a token of a workload identity, refreshed after it was refused', async () => {
    const file = join(home, 'google.json')
    const subject = `${file}.token`
    await writeFile(subject, 'the-identity-of-the-pod')
    await writeFile(
      file,
      JSON.stringify({
        ...{ type: 'external_account', audience: '//iam.googleapis.com/x', token_url: `${url}/sts` },
        ...{
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          credential_source: { file: subject },
        },
      }),
    )
    within({ GOOGLE_APPLICATION_CREDENTIALS: file })
    let round = 0
    answer = () => ({
      body: {
        ...{ access_token: `ya29.${++round}`, expires_in: 3600, token_type: 'Bearer' },
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    })
    const source = googleCredential()
    const [first, second] = await Promise.all([source.token(systemClock), source.token(systemClock)])
    expect(first).toBe(second)
    expect(first.value).toBe('ya29.1')
    expect((first.expiresAt as number) - Date.now()).toBeGreaterThan(3_500_000)
    source.refused('ya29.1')
    expect((await source.token(systemClock)).value).toBe('ya29.2')
    answer = () => ({ status: 400, body: { error: 'invalid_grant', error_description: 'secret words' } })
    const message = await reasonOf(googleCredential().token(systemClock))
    expect(message).toMatch(/^no Google credentials: Google refuses them \(invalid_grant\)/)
    expect(message).not.toContain('secret')
  })

  it('says where it looked, and what to do', async () => {
    within({})
    expect(await reasonOf(googleCredential().token(systemClock))).toMatch(
      /GOOGLE_APPLICATION_CREDENTIALS.*gcloud auth/,
    )
    within({ GOOGLE_APPLICATION_CREDENTIALS: nowhere })
    expect(await reasonOf(googleCredential().token(systemClock))).toContain('is not there, or cannot be read')
  })
})

describe('a credential of Entra', () => {
  it('is a token of a managed identity, for the scope of Foundry', async () => {
    within({ IDENTITY_ENDPOINT: `${url}/msi/token`, IDENTITY_HEADER: 'header-secret' })
    const expires = Math.floor(Date.now() / 1000) + 86_400
    answer = ({ headers }) => {
      expect(headers['x-identity-header']).toBe('header-secret')
      return {
        body: { access_token: 'entra-1', expires_on: String(expires), resource: 'r', token_type: 'Bearer' },
      }
    }
    const source = entraCredential()
    const [first, second] = await Promise.all([source.token(systemClock), source.token(systemClock)])
    expect(first).toBe(second)
    expect(first.value).toBe('entra-1')
    expect((first.expiresAt as number) - Date.now()).toBeGreaterThan(80_000_000)
    expect(asked.filter((path) => path.includes('resource=https%3A%2F%2Fai.azure.com'))).toHaveLength(1)
  })

  it('says where it looked, and what to do', async () => {
    within({ AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' })
    expect(await reasonOf(entraCredential().token(systemClock))).toMatch(/AZURE_TENANT_ID.*az login/)
  })
})

it('names a package that is not installed, and how it is', async () => {
  const missing = loadPeer('some-sdk', () => import('some-sdk-that-is-not-there' as string))
  expect(await reasonOf(missing)).toBe(
    'the package some-sdk is not installed, which this credential needs: npm i some-sdk',
  )
})
