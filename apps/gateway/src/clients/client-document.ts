import { ClientsError } from './clients-error.ts'

/** A key of a client, as it is kept: what it was cannot be found from it. */
export interface StoredKey {
  /** HMAC-SHA-256 with the secret of the installation, in base64url. */
  readonly hash: string
  /** The first characters of the key, for people. */
  readonly prefix: string
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly createdAt: number
  /** When it ends, where another one has replaced it. */
  readonly until?: number | undefined
}

/** What is set of a client. */
export interface ClientSettings {
  readonly team?: string | undefined
  readonly permissions: readonly string[]
  /** Globs; a client may use the models that one of them matches. Undefined: all models. */
  readonly models?: readonly string[] | undefined
  /** The largest `max_tokens` of a call. */
  readonly maxTokens?: number | undefined
  /** When all of its keys end. */
  readonly expiresAt?: number | undefined
}

export interface StoredClient extends ClientSettings {
  readonly createdAt: number
  readonly revokedAt?: number | undefined
  /** The newest first. */
  readonly keys: readonly StoredKey[]
}

/** All clients of an installation. */
export interface ClientDocument {
  readonly format: 1
  /** Identifies the secret that hashes are made with; undefined while there is no client. */
  readonly hashedWith?: string | undefined
  readonly clients: Readonly<Record<string, StoredClient>>
}

export const emptyClients: ClientDocument = { format: 1, clients: {} }

export function encodeClients(document: ClientDocument): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document, null, 1)}\n`)
}

/**
 * @param where for errors
 * @throws ClientsError when the bytes are no document of clients
 */
export function decodeClients(bytes: Uint8Array, where: string): ClientDocument {
  try {
    const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as ClientDocument
    if (parsed.format === 1 && isMapping(parsed.clients) && Object.values(parsed.clients).every(isClient))
      return parsed
  } catch {
    // The parser quotes what it reads.
  }
  throw new ClientsError(`${where} holds no clients, or was written by a newer version of Spillway`)
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTime = (value: unknown): boolean => value === undefined || Number.isFinite(value)

const areTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

/** Everything that decides about access: a value of another type must not count as none. */
function isClient(client: unknown): boolean {
  if (!isMapping(client)) return false
  const { permissions, models, maxTokens, expiresAt, revokedAt, keys } = client
  return (
    areTexts(permissions) &&
    (models === undefined || areTexts(models)) &&
    [maxTokens, expiresAt, revokedAt].every(isTime) &&
    Array.isArray(keys) &&
    keys.every((key) => isMapping(key) && typeof key.hash === 'string' && isTime(key.until))
  )
}
