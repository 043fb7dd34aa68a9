import { type Api, deriveRequest, type Middleware, type ModelRequest, named } from '@spillway/middleware'
import type { HeaderVenue } from '@spillway/wire'
import type { AuthScheme } from './authentication.ts'

/** Who answers. Decides the base URL, the authentication and the protocol of `complete` and `stream`. */
export type Provider = 'anthropic' | 'openrouter' | 'openai' | 'ollama'

/** The application as OpenRouter lists it. */
export interface AppAttribution {
  /** Sent as `HTTP-Referer`. */
  readonly url?: string
  /** Sent as `X-OpenRouter-Title`, and as `X-Title` for older deployments. */
  readonly title?: string
}

/**
 * A provider that this package does not know by name, such as a cloud that sells Claude in its own form (`@spillway/venues`).
 */
export interface ProviderProfile {
  /** In events and as the `provider` of a client. */
  readonly name: string
  /** With or without `/v1`. */
  readonly baseUrl: string
  /** @default 'bearer' */
  readonly scheme?: AuthScheme | undefined
  /** The protocols that calls are taken in, in their first-party form. @default ['anthropic'] */
  readonly apis?: readonly [Api, ...Api[]] | undefined
  /** Whose headers it reads. @default 'anthropic' */
  readonly headers?: HeaderVenue | undefined
  /** The model of `complete` and `stream` where none is named. @default undefined */
  readonly model?: string | undefined
  /** Brings calls into the provider's form, and its answers back. It is inside of all other middleware. */
  readonly form?: Middleware | undefined
  /** Where a request in the provider's form goes below `baseUrl`: a path without a query. @default that of its protocol */
  readonly path?: ((request: ModelRequest) => string) | undefined
}

/** What is known of a provider. */
export interface ProviderFacts {
  readonly baseUrl: string
  readonly scheme: AuthScheme
  /** The protocols that it speaks; the first is the one of `complete` and `stream`. */
  readonly apis: readonly [Api, ...Api[]]
  /** Whose headers it reads. */
  readonly headers: HeaderVenue
  /** Whether it may send headers only with the first token, and be silent for minutes: a local model's server. */
  readonly answersLate: boolean
  /** The model of `complete` and `stream` where none is named. */
  readonly model: string | undefined
  readonly form?: Middleware | undefined
  readonly path?: ((request: ModelRequest) => string) | undefined
}

/** Base URLs are without `/v1`. */
export const providers: Readonly<Record<Provider, ProviderFacts>> = {
  anthropic: {
    baseUrl: 'https://api.anthropic.com',
    scheme: 'x-api-key',
    apis: ['anthropic'],
    headers: 'anthropic',
    answersLate: false,
    model: 'claude-sonnet-5-5',
  },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api',
    scheme: 'bearer',
    apis: ['openai', 'anthropic', 'responses'],
    headers: 'openrouter',
    answersLate: false,
    model: 'anthropic/claude-sonnet-5.5',
  },
  openai: {
    baseUrl: 'https://api.openai.com',
    scheme: 'bearer',
    apis: ['openai', 'responses'],
    headers: 'openai',
    answersLate: true,
    model: undefined,
  },
  ollama: {
    baseUrl: 'http://127.0.0.1:11434',
    scheme: 'bearer',
    apis: ['anthropic', 'openai', 'responses'],
    headers: 'local',
    answersLate: true,
    model: undefined,
  },
}

/**
 * What is known of a provider, by its name or as it is given.
 * @throws TypeError for a name that is not known
 */
export function factsOf(provider: Provider | ProviderProfile): ProviderFacts & { readonly name: string } {
  if (typeof provider === 'object') {
    const {
      name,
      baseUrl,
      scheme = 'bearer',
      apis = ['anthropic'],
      headers = 'anthropic',
      model,
      form,
      path,
    } = provider
    return { name, baseUrl, scheme, apis, headers, answersLate: false, model, form, path }
  }
  const facts = providers[provider]
  if (facts !== undefined) return { ...facts, name: provider }
  throw new TypeError(`unknown provider "${provider}"; known are ${Object.keys(providers).join(', ')}`)
}

/** Says to OpenRouter which application calls, unless the caller has said so itself. */
export function attribution(app: AppAttribution): Middleware {
  const added: Record<string, string> = {}
  if (app.url !== undefined) added['http-referer'] = app.url
  if (app.title !== undefined) {
    added['x-openrouter-title'] = app.title
    added['x-title'] = app.title
  }
  const attributing: Middleware = (next) => (request) =>
    next(deriveRequest(request, { headers: { ...added, ...request.headers } }))
  return named(attributing, 'attribution')
}
