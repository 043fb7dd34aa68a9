import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  type KMSClientConfig,
  ReEncryptCommand,
} from '@aws-sdk/client-kms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KmsServer, startKms } from './kms.ts'

let kms: KmsServer
const clients: KMSClient[] = []
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'kms-secret' }
const clientWith = (config: KMSClientConfig = {}): KMSClient => {
  const settings = { endpoint: kms.url, region: 'eu-central-1', credentials, maxAttempts: 1 }
  const client = new KMSClient({ ...settings, ...config })
  clients.push(client)
  return client
}
const KeyId = 'alias/spillway'
const EncryptionContext = { service: 'claude' }
const Plaintext = Uint8Array.from({ length: 256 }, (_, i) => i)
/** The name of the SDK's error, or `none`. */
const errorOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: Error) => error.name,
  )

beforeEach(async () => {
  kms = await startKms()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await kms.close()
})

describe('for the official SDK', () => {
  it('decrypts what it has encrypted, under the same context only', async () => {
    const client = clientWith()
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext }))
    const opened = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    expect(opened.Plaintext).toEqual(Plaintext)
    for (const context of [undefined, {}, { service: 'Claude' }, { service: 'claude', more: '' }]) {
      const wrong = client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context }))
      expect(await errorOf(wrong)).toBe('InvalidCiphertextException')
    }
  })

  it('gives data keys that it can open again', async () => {
    const client = clientWith()
    const made = await client.send(
      new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext }),
    )
    expect(made.Plaintext).toHaveLength(32)
    const { CiphertextBlob } = made
    const opened = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext, KeyId }))
    expect(opened.Plaintext).toEqual(made.Plaintext)
  })

  it('opens after a rotation what was sealed before, and seals over to another key', async () => {
    const client = clientWith()
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId, Plaintext }))
    kms.rotate(KeyId)
    const other = kms.createKey()
    const moved = await client.send(
      new ReEncryptCommand({
        CiphertextBlob,
        DestinationKeyId: other,
        DestinationEncryptionContext: { a: 'b' },
      }),
    )
    expect(await errorOf(client.send(new DecryptCommand({ CiphertextBlob, KeyId: other })))).toBe(
      'IncorrectKeyException',
    )
    const opened = await client.send(
      new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { a: 'b' } }),
    )
    expect(opened.Plaintext).toEqual(Plaintext)
  })

  it('refuses keys that are disabled, pending deletion or not there', async () => {
    const client = clientWith()
    const encrypt = (key: string) => errorOf(client.send(new EncryptCommand({ KeyId: key, Plaintext })))
    kms.disable(KeyId)
    expect(await encrypt(KeyId)).toBe('DisabledException')
    kms.scheduleDeletion(KeyId)
    expect(await encrypt(KeyId)).toBe('KMSInvalidStateException')
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }))
    expect(KeyMetadata?.KeyState).toBe('PendingDeletion')
    kms.enable(KeyId)
    expect(await encrypt(KeyId)).toBe('none')
    expect(await encrypt('alias/other')).toBe('NotFoundException')
  })

  it('refuses a blob that is changed or cut', async () => {
    const client = clientWith()
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId, Plaintext }))
    const blob = Buffer.from(CiphertextBlob as Uint8Array)
    const flipped = Buffer.from(blob)
    flipped[blob.length - 20]! ^= 1
    for (const wrong of [flipped, blob.subarray(0, -1), blob.subarray(0, 10), Buffer.from('x')]) {
      const sent = client.send(new DecryptCommand({ CiphertextBlob: wrong }))
      expect(await errorOf(sent)).toBe('InvalidCiphertextException')
    }
  })

  it('takes 4096 bytes and no more', async () => {
    const client = clientWith()
    const encrypt = (length: number) =>
      errorOf(client.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array(length) })))
    expect(await encrypt(4096)).toBe('none')
    expect(await encrypt(4097)).toBe('ValidationException')
  })

  it('lists what was asked, with the context and without what is secret', async () => {
    await clientWith().send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext }))
    expect(kms.requests).toEqual([
      { operation: 'Encrypt', keyId: KeyId, context: EncryptionContext, error: undefined },
    ])
  })
})

describe('signatures', () => {
  const describeKey = (client: KMSClient) => errorOf(client.send(new DescribeKeyCommand({ KeyId })))

  it('of another secret key are refused', async () => {
    const wrong = { ...credentials, secretAccessKey: 'wrong' }
    expect(await describeKey(clientWith({ credentials: wrong }))).toBe('InvalidSignatureException')
    expect(kms.requests).toHaveLength(0)
  })

  it('of an unknown access key are refused', async () => {
    const wrong = { ...credentials, accessKeyId: 'AKIDOTHER' }
    expect(await describeKey(clientWith({ credentials: wrong }))).toBe('UnrecognizedClientException')
  })

  it('are bound to body and headers', async () => {
    for (const part of ['body', 'x-amz-target', 'authorization']) {
      const client = clientWith()
      client.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as { body: Uint8Array | string; headers: Record<string, string> }
          if (part === 'body')
            request.body = Buffer.from(request.body).toString().replace('spillway', 'Spillway')
          else if (part === 'authorization') delete request.headers.authorization
          else request.headers[part] = 'TrentService.Decrypt'
          return next(args)
        },
        { step: 'finalizeRequest', priority: 'low' },
      )
      const expected =
        part === 'authorization' ? 'MissingAuthenticationTokenException' : 'InvalidSignatureException'
      expect(await describeKey(client)).toBe(expected)
    }
  })

  it('are good for five minutes', async () => {
    await using late = await startKms({ now: () => Date.now() + 6 * 60_000 })
    expect(await describeKey(clientWith({ endpoint: late.url }))).toBe('InvalidSignatureException')
  })

  it('of temporary credentials need their token, until that expires', async () => {
    const temporary = { ...credentials, sessionToken: 'session' }
    await using server = await startKms({ identities: [temporary] })
    const client = (sessionToken?: string) =>
      clientWith({
        endpoint: server.url,
        credentials: { ...credentials, ...(sessionToken !== undefined && { sessionToken }) },
      })
    expect(await describeKey(client())).toBe('UnrecognizedClientException')
    expect(await describeKey(client('other'))).toBe('UnrecognizedClientException')
    expect(await describeKey(client('session'))).toBe('none')
    server.expireTokens()
    expect(await describeKey(client('session'))).toBe('ExpiredTokenException')
  })
})

describe('faults', () => {
  const describeKey = (client: KMSClient) => errorOf(client.send(new DescribeKeyCommand({ KeyId })))

  it('are taken one a request, or stand', async () => {
    const client = clientWith()
    kms.next({ type: 'throttled' }, { type: 'internal' }, { type: 'reset' })
    expect(await describeKey(client)).toBe('ThrottlingException')
    expect(await describeKey(client)).toBe('KMSInternalException')
    expect(await describeKey(client)).toBe('TimeoutError') // what the SDK calls a reset
    expect(await describeKey(client)).toBe('none')
    kms.always({ type: 'status', status: 502, body: '<html>' })
    expect(await describeKey(client)).not.toBe('none')
    kms.always(undefined)
    kms.deny('DescribeKey')
    expect(await describeKey(client)).toBe('AccessDeniedException')
  })

  it('are repeated by the SDK where that helps', async () => {
    kms.next({ type: 'throttled' })
    expect(await describeKey(clientWith({ maxAttempts: 2 }))).toBe('none')
  })

  it('may be an answer that never comes', async () => {
    kms.next({ type: 'hang' })
    const client = clientWith()
    const abort = new AbortController()
    const asked = client.send(new DescribeKeyCommand({ KeyId }), { abortSignal: abort.signal })
    setImmediate(() => abort.abort())
    expect(await errorOf(asked)).toBe('AbortError')
  })
})
