import { randomBytes } from 'node:crypto'
import { type KmsContext, KmsKey, keyIdOf } from './kms-key.ts'
import {
  type SecretAnswer,
  type SecretRequest,
  type SecretServer,
  startSecretServer,
} from './secret-server.ts'
import { type AwsIdentity, expiredToken, signatureProblem } from './signature-v4.ts'

/** Options of {@link startKms}. */
export interface KmsOptions {
  /** @default 0: any free port */
  readonly port?: number
  /** Who may sign. @default one: `AKIDEXAMPLE` with the secret `kms-secret` */
  readonly identities?: readonly AwsIdentity[]
  /** Keys that are there from the start, by alias. @default `alias/spillway` */
  readonly aliases?: readonly string[]
  /** The server's time, in milliseconds since the Unix epoch, for signatures. @default the system's */
  readonly now?: () => number
}

/** A request that passed the check of its signature, as KMS would log it: without what is secret. */
export interface KmsRequest {
  readonly operation: string
  readonly keyId: string | undefined
  readonly context: KmsContext
  /** The error's type; undefined for success. */
  error: string | undefined
}

/** A KMS for the real SDK to talk to. A key is identified by id, ARN or alias. */
export interface KmsServer extends SecretServer {
  readonly requests: readonly KmsRequest[]
  /** Makes a key. */
  createKey(alias?: string): string
  disable(key: string): void
  enable(key: string): void
  /** Puts it into the state PendingDeletion; `enable` takes it out again. */
  scheduleDeletion(key: string): void
  /** New material; what was sealed with the old still opens. */
  rotate(key: string): void
  /** Refuses this operation, or all, to everybody; undefined ends that. */
  deny(operation: string | undefined): void
  /** The session tokens of all identities expire now. */
  expireTokens(isExpired?: boolean): void
}

class KmsProblem extends Error {
  readonly type: string

  constructor(type: string, message = '') {
    super(message)
    this.type = type
  }
}

type Body = Readonly<Record<string, unknown>>

const plaintextLimit = 4096

/** Starts a server that speaks AWS KMS (AWS JSON 1.1): symmetric keys, signatures checked. */
export async function startKms(options: KmsOptions = {}): Promise<KmsServer> {
  const { now = Date.now, aliases = ['alias/spillway'] } = options
  const identities = options.identities ?? [{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'kms-secret' }]
  const keys = new Map<string, KmsKey>()
  const byAlias = new Map<string, KmsKey>()
  const requests: KmsRequest[] = []
  let denied: string | undefined
  let areExpired = false

  const createKey = (alias?: string): string => {
    const key = new KmsKey()
    keys.set(key.id, key)
    if (alias !== undefined) byAlias.set(alias, key)
    return key.id
  }
  for (const alias of aliases) createKey(alias)

  const find = (name: string): KmsKey | undefined =>
    keys.get(name) ?? byAlias.get(name) ?? keys.get(name.replace(/^arn:aws:kms:.*:key\//, ''))
  const mustFind = (name: unknown): KmsKey => {
    const key = typeof name === 'string' ? find(name) : undefined
    if (key === undefined) throw new KmsProblem('NotFoundException', `Key '${String(name)}' does not exist`)
    return key
  }
  const usable = (key: KmsKey): KmsKey => {
    if (key.state === 'Disabled') throw new KmsProblem('DisabledException', `${key.arn} is disabled.`)
    if (key.state !== 'Enabled')
      throw new KmsProblem('KMSInvalidStateException', `${key.arn} is pending deletion.`)
    return key
  }
  const open = (body: Body, keyField: string, contextField: string): { key: KmsKey; plain: Buffer } => {
    const blob = bytesOf(body.CiphertextBlob)
    const key = keys.get(keyIdOf(blob))
    const wanted = body[keyField]
    if (wanted !== undefined && mustFind(wanted) !== key) {
      if (key !== undefined)
        throw new KmsProblem('IncorrectKeyException', 'The key ID in the request does not match.')
    }
    if (key === undefined) throw new KmsProblem('InvalidCiphertextException')
    const plain = usable(key).decrypt(blob, contextOf(body, contextField))
    if (plain === undefined) throw new KmsProblem('InvalidCiphertextException')
    return { key, plain }
  }

  const operations: Readonly<Record<string, (body: Body) => unknown>> = {
    Encrypt(body) {
      const key = usable(mustFind(body.KeyId))
      const plain = bytesOf(body.Plaintext)
      if (plain.length === 0 || plain.length > plaintextLimit) {
        throw new KmsProblem('ValidationException', 'plaintext must have 1 to 4096 bytes')
      }
      const blob = key.encrypt(plain, contextOf(body, 'EncryptionContext'))
      return { CiphertextBlob: blob.toString('base64'), KeyId: key.arn, EncryptionAlgorithm: algorithm }
    },
    Decrypt(body) {
      const { key, plain } = open(body, 'KeyId', 'EncryptionContext')
      return { Plaintext: plain.toString('base64'), KeyId: key.arn, EncryptionAlgorithm: algorithm }
    },
    GenerateDataKey(body) {
      const key = usable(mustFind(body.KeyId))
      const { KeySpec: spec, NumberOfBytes: count } = body
      if ((spec === undefined) === (count === undefined)) {
        throw new KmsProblem('ValidationException', 'exactly one of KeySpec and NumberOfBytes')
      }
      const plain = randomBytes(spec === 'AES_256' ? 32 : spec === 'AES_128' ? 16 : Number(count))
      const blob = key.encrypt(plain, contextOf(body, 'EncryptionContext'))
      return { Plaintext: plain.toString('base64'), CiphertextBlob: blob.toString('base64'), KeyId: key.arn }
    },
    ReEncrypt(body) {
      const { key: source, plain } = open(body, 'SourceKeyId', 'SourceEncryptionContext')
      const key = usable(mustFind(body.DestinationKeyId))
      const blob = key.encrypt(plain, contextOf(body, 'DestinationEncryptionContext'))
      return { CiphertextBlob: blob.toString('base64'), SourceKeyId: source.arn, KeyId: key.arn }
    },
    DescribeKey(body) {
      const key = mustFind(body.KeyId)
      return {
        KeyMetadata: {
          KeyId: key.id,
          Arn: key.arn,
          Enabled: key.state === 'Enabled',
          KeyState: key.state,
          KeyUsage: 'ENCRYPT_DECRYPT',
          KeySpec: 'SYMMETRIC_DEFAULT',
        },
      }
    },
  }

  const run = (request: SecretRequest, logged: (entry: KmsRequest) => void): unknown => {
    const problem = signatureProblem(request, { service: 'kms', identities, now: now() })
    if (problem !== undefined) throw new KmsProblem(problem.type, problem.message)
    if (areExpired) {
      throw new KmsProblem(expiredToken.type, expiredToken.message)
    }
    const target = request.headers['x-amz-target'] ?? ''
    const operation = target.startsWith('TrentService.') ? target.slice('TrentService.'.length) : ''
    const body = parse(request)
    const entry = { operation, keyId: keyIdIn(body), context: contextIn(body), error: undefined }
    requests.push(entry)
    logged(entry)
    const work = Object.hasOwn(operations, operation) ? operations[operation] : undefined
    if (work === undefined) throw new KmsProblem('UnknownOperationException')
    if (denied === operation || denied === '*') {
      throw new KmsProblem('AccessDeniedException', `User is not authorized to perform: kms:${operation}`)
    }
    return work(body)
  }

  const server = await startSecretServer(
    {
      answer(request) {
        let logged: KmsRequest | undefined
        try {
          const json = run(request, (entry) => {
            logged = entry
          })
          return { status: 200, json, headers: contentType }
        } catch (error) {
          if (!(error instanceof KmsProblem)) throw error
          if (logged !== undefined) logged.error = error.type
          return refusal(400, error.type, error.message)
        }
      },
      throttled: () => refusal(400, 'ThrottlingException', 'Rate exceeded'),
      internal: () => refusal(500, 'KMSInternalException', ''),
    },
    options.port ?? 0,
  )
  const setState = (state: KmsKey['state']) => (name: string) => {
    mustFind(name).state = state
  }
  return {
    ...server,
    requests,
    createKey,
    disable: setState('Disabled'),
    enable: setState('Enabled'),
    scheduleDeletion: setState('PendingDeletion'),
    rotate: (name) => mustFind(name).rotate(),
    deny(operation) {
      denied = operation
    },
    expireTokens(isExpired = true) {
      areExpired = isExpired
    },
  }
}

const algorithm = 'SYMMETRIC_DEFAULT'
const contentType = { 'content-type': 'application/x-amz-json-1.1' }

function refusal(status: number, type: string, message: string): SecretAnswer {
  return { status, json: { __type: type, message }, headers: { ...contentType, 'x-amzn-errortype': type } }
}

function parse({ headers, body }: SecretRequest): Body {
  if (headers['content-type'] !== contentType['content-type']) throw new KmsProblem('SerializationException')
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null) return parsed as Body
  } catch {
    // Said below.
  }
  throw new KmsProblem('SerializationException')
}

function bytesOf(value: unknown): Buffer {
  if (typeof value !== 'string') throw new KmsProblem('ValidationException', 'a blob is missing')
  return Buffer.from(value, 'base64')
}

function contextOf(body: Body, field: string): KmsContext {
  const context = body[field] ?? {}
  if (typeof context === 'object' && Object.values(context as object).every((v) => typeof v === 'string')) {
    return context as KmsContext
  }
  throw new KmsProblem('ValidationException', `${field} must map strings to strings`)
}

function keyIdIn({ KeyId, SourceKeyId }: Body): string | undefined {
  const id = KeyId ?? SourceKeyId
  return typeof id === 'string' ? id : undefined
}

function contextIn(body: Body): KmsContext {
  return contextOf(
    body,
    body.EncryptionContext === undefined ? 'SourceEncryptionContext' : 'EncryptionContext',
  )
}
