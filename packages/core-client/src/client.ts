import { attempt, type Fetch, localServer, modelFetch, target, timeouts } from '@spillway/attempt'
import {
  type Clock,
  compose,
  type Handler,
  type Middleware,
  named,
  type Timeouts,
} from '@spillway/middleware'
import { defaultTimeouts } from '@spillway/middleware/kit'
import { readCredential } from '@spillway/wire'
import {
  type AuthScheme,
  authenticate,
  withoutCredential,
  withoutDivertedCredential,
} from './authentication.ts'
import { type CodeAnswer, generateCode } from './code-answer.ts'
import { type Completion, complete } from './completion.ts'
import { connectionLimit } from './connection-limit.ts'
import { ConnectionPool, type PoolOptions, poolSettings } from './connection-pool.ts'
import { type Credential, callerCredential } from './credential.ts'
import { knownForm } from './known-form.ts'
import { plainFetch } from './plain-fetch.ts'
import type { CallOptions, Prompt } from './prompt.ts'
import { type AppAttribution, attribution, factsOf, type Provider, type ProviderProfile } from './provider.ts'
import { isSigner, type RequestSigner, signing } from './signing.ts'
import { streamText, type TextStream } from './text-stream.ts'
import { endpointFence, placeAt, undiciTransport } from './undici-transport.ts'

export interface ClientOptions {
  /** Who answers: one that is known by name, or what is to be known of another. */
  readonly provider: Provider | ProviderProfile
  /**
   * The secret, where it comes from, or what signs with it. Left out, requests keep what the caller presented (the key of the SDK in
   * front, for instance), unless this client is the fallback of another target or the candidate of a mirror;
   * {@link callerCredential} passes it on there too. `null` takes it out and puts nothing in.
   */
  readonly credential?: Credential | RequestSigner | typeof callerCredential | null
  /**
   * How the credential is sent in a request.
   * @default `x-api-key` for Anthropic, `bearer` for the others
   */
  readonly scheme?: AuthScheme
  /**
   * The endpoint, with or without `/v1`.
   * @default the provider's public one
   */
  readonly baseUrl?: string
  /** The target's name in events and headers. @default the provider */
  readonly name?: string
  /** The model of `complete`, `stream` and `generateCode`. @default a current one of the provider's */
  readonly model?: string
  /** The application, for OpenRouter's statistics. */
  readonly app?: AppAttribution
  /**
   * Names of headers that go to the endpoint besides those that its protocol defines; whoever sets them. Never
   * `authorization`, `x-api-key`, cookies, `x-spillway-*` or those of one connection.
   * @default []
   */
  readonly forwardHeaders?: readonly string[]
  /** Policies around each call; the first listed is the outermost. */
  readonly middleware?: readonly Middleware[]
  /**
   * Limits that differ from the defaults. Limits that are set further out do not bind `ollama` and `openai`, whose servers
   * may answer late: `headers` is none there, `firstContent` at least five minutes and `idle` six, unless set here.
   */
  readonly timeouts?: Partial<Timeouts>
  /** Connections; `connectTimeout` defaults to `timeouts.connect`. */
  readonly pool?: PoolOptions
  readonly clock?: Clock
}

/** A client of one endpoint. */
export interface Client {
  readonly name: string
  readonly provider: string
  /** Without `/v1`. */
  readonly baseUrl: string
  /** Whether the client adds its own credential. */
  readonly hasCredential: boolean
  /** The client as a target of `fallback`, or the end of a chain of your own. */
  readonly handler: Handler
  /** For the `fetch` option of an SDK. */
  readonly fetch: Fetch
  /** Asks and waits for the whole answer. @throws SpillwayError */
  complete(prompt: Prompt, options?: CallOptions): Promise<Completion>
  /** Asks and hands over the text as it comes. @throws SpillwayError */
  stream(prompt: Prompt, options?: CallOptions): TextStream
  /** Asks for code and hands over nothing but the code. @throws SpillwayError */
  generateCode(prompt: string, options?: CallOptions): Promise<CodeAnswer>
  /** Closes all connections; calls in flight fail. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a client of one endpoint, with its own connection pool. Close it when it is no longer needed.
 * @throws TypeError for a credential that no key can be, such as two lines (an empty one fails the calls), and for a
 * `baseUrl` that holds more than an address
 */
export function createClient(options: ClientOptions): Client {
  const facts = factsOf(options.provider)
  const limits: Timeouts = { ...defaultTimeouts, ...options.timeouts }
  const baseUrl = options.baseUrl ?? facts.baseUrl
  mustBeAddress(baseUrl)
  const name = options.name ?? facts.name
  const settings = poolSettings({
    ...options.pool,
    connectTimeout: options.pool?.connectTimeout ?? limits.connect,
  })
  const scheme = options.scheme ?? facts.scheme
  const { credential } = options
  const signer = isSigner(credential) ? credential : undefined
  const fence = endpointFence(facts.headers, options.forwardHeaders, signer?.headerNames)
  const own =
    signer !== undefined || credential === callerCredential
      ? undefined
      : (credential as Credential | null | undefined)
  if (typeof own === 'string') mustBeKey(own)
  const pool = new ConnectionPool(settings)
  const place = placeAt(baseUrl, facts.path)
  const chain: Middleware[] = [
    ...(options.timeouts === undefined ? [] : [timeouts(options.timeouts)]),
    ...(options.middleware ?? []),
    ...(options.app === undefined ? [] : [attribution(options.app)]),
    knownForm(facts.apis),
    ...(facts.form === undefined ? [] : [facts.form]),
    ...(signer === undefined
      ? authentication(credential as Exclude<typeof credential, RequestSigner>, scheme)
      : [signing(signer, (request) => new URL(place.origin + place.pathAt(request)))]),
    // Innermost: a connection is held by an attempt, not by a call that waits for its credential.
    ...(settings.connections === Infinity ? [] : [connectionLimit(settings)]),
    ...(facts.answersLate ? [localServer(options.timeouts)] : []),
  ]
  const { handler } = target(
    name,
    compose(
      chain,
      named(attempt(undiciTransport(pool, place, fence)), 'attempt', { options: { at: baseUrl } }),
    ),
  )
  const fetch = modelFetch(handler, {
    otherwise: plainFetch({ pool, baseUrl, credential: own, scheme, signer, api: facts.apis[0] }),
    clock: options.clock,
  })
  const surface = {
    handler,
    clock: options.clock,
    api: facts.apis[0],
    model: options.model ?? facts.model,
  }
  const close = (): Promise<void> => pool.close()
  return {
    name,
    provider: facts.name,
    baseUrl,
    hasCredential: own != null || signer !== undefined,
    handler,
    fetch,
    complete: (prompt, call) => complete(surface, prompt, call),
    stream: (prompt, call) => streamText(surface, prompt, call),
    generateCode: (prompt, call) => generateCode(surface, prompt, call),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/**
 * Requests go to the origin and below the path of a base URL. All else would be lost, and a parser's own error holds the URL.
 * @throws TypeError in words that do not repeat the URL
 */
function mustBeAddress(baseUrl: string): void {
  const url = URL.parse(baseUrl)
  if (url === null) throw new TypeError('baseUrl is not a URL; expected one such as https://api.example.com')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError('baseUrl must begin with http:// or https://')
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('baseUrl holds a user or a password, which are not sent: use credential')
  }
  if (url.search !== '' || url.hash !== '') {
    throw new TypeError('baseUrl holds a query or a fragment, which are not sent; a key is a credential')
  }
}

/** Without a key set, `process.env.KEY ?? ''` is empty: that is no mistake of the program's. */
function mustBeKey(credential: string): void {
  const read = readCredential(credential)
  if ('problem' in read && read.problem !== 'is empty') throw new TypeError(`credential ${read.problem}`)
}

function authentication(
  credential: Exclude<ClientOptions['credential'], RequestSigner>,
  scheme: AuthScheme,
): Middleware[] {
  if (credential === callerCredential) return []
  if (credential === undefined) return [withoutDivertedCredential()]
  return [credential === null ? withoutCredential() : authenticate(credential, scheme)]
}
