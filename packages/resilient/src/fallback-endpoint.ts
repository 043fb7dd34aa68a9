import {
  attempt,
  type Fetch,
  fetchTransport,
  localServer,
  type Target,
  target,
  timeouts,
} from '@spillway/attempt'
import {
  compose,
  deriveRequest,
  type Middleware,
  type ModelRequest,
  named,
  type Timeouts,
} from '@spillway/middleware'
import { guardHook } from '@spillway/middleware/kit'
import { fit } from '@spillway/translation'
import { addressedTo, type Provider, providerOfUrl, providers, translationTo } from './providers.ts'

export type { Provider } from './providers.ts'

/** What models are called at another endpoint, by the names that the caller uses; names that are not there stay. */
export type ModelNames = Readonly<Record<string, string>> | ((model: string) => string | undefined)

/** Another endpoint that is asked where the first one fails; by what it is called or where it is. */
export interface FallbackEndpoint {
  /** Who answers there. @default what `baseUrl` says: OpenRouter, Anthropic, Ollama at port 11434, else `openai` */
  readonly provider?: Provider | undefined
  /** With or without `/v1`. @default the provider's */
  readonly baseUrl?: string | undefined
  /** Its key, or what knows it now. The caller's own key never goes there. */
  readonly credential?: string | (() => string | undefined) | undefined
  /** The model that answers there, whatever model is asked for. @default the one that is asked for, by its name there */
  readonly model?: string | undefined
  /** What models are called there. @default OpenRouter's names of Claude models; else the same */
  readonly models?: ModelNames | undefined
  /** Its name in events and in `x-spillway-served-by`. @default the provider */
  readonly name?: string | undefined
  /** Limits that differ there, in milliseconds. */
  readonly timeouts?: Partial<Timeouts> | undefined
}

/** What a target of the chain is made of besides what is its own. */
export interface TargetParts {
  readonly fetch: Fetch
  /** Policies of this target alone, outermost first. */
  readonly policies: readonly Middleware[]
  /** Just around its attempts. */
  readonly observers: readonly Middleware[]
}

/**
 * An endpoint as a target of `fallback`, over the same `fetch` as the first one.
 * @param taken the names of targets before it, to which its own is added
 * @throws TypeError for an endpoint that nothing says enough of
 */
export function endpointTarget(
  endpoint: FallbackEndpoint,
  parts: (name: string) => TargetParts,
  taken: Set<string>,
): Target {
  const { model, models } = endpoint
  const provider =
    endpoint.provider ?? (endpoint.baseUrl === undefined ? undefined : providerAt(endpoint.baseUrl))
  const facts = provider && Object.hasOwn(providers, provider) ? providers[provider] : undefined
  if (provider === undefined || facts === undefined) {
    throw new TypeError(
      `a fallback needs a baseUrl, or a provider out of ${Object.keys(providers).join(', ')}`,
    )
  }
  const baseUrl = endpoint.baseUrl ?? facts.baseUrl
  mustBeAddress(baseUrl)
  const name = free(endpoint.name ?? provider, taken)
  const isNamedNowhere = model === undefined && models === undefined && endpoint.baseUrl === undefined
  if (isNamedNowhere && facts.answersLate) {
    throw new TypeError(`the fallback ${name} needs a model, since it has none of the names of Claude models`)
  }
  const { fetch, policies, observers } = parts(name)
  const { credential = '' } = endpoint
  const chain = [
    ...(model === undefined ? [renamed(models, facts.modelName)] : []),
    model === undefined
      ? fit({ scope: 'thinking', capabilities: provider === 'anthropic' ? { signedThinking: true } : {} })
      : fit({ model }),
    ...(endpoint.timeouts === undefined ? [] : [timeouts(endpoint.timeouts)]),
    ...policies,
    ...translationTo(provider, baseUrl),
    ...observers,
    addressedTo(
      provider,
      baseUrl,
      typeof credential === 'string' ? () => credential : () => credential() ?? '',
    ),
    ...(facts.answersLate ? [localServer(endpoint.timeouts)] : []),
  ]
  return target(name, compose(chain, attempt(fetchTransport(fetch))), { model })
}

/** Two endpoints of one provider are told apart by a number. */
function free(name: string, taken: Set<string>): string {
  let found = name
  for (let number = 2; taken.has(found); number++) found = `${name}-${number}`
  taken.add(found)
  return found
}

/** Models by their names at the endpoint. */
function renamed(names: ModelNames | undefined, otherwise: (model: string) => string): Middleware {
  const listed = typeof names === 'object' ? names : {}
  const asked =
    typeof names === 'function'
      ? names
      : (model: string) => (Object.hasOwn(listed, model) ? listed[model] : undefined)
  const isName = (answer: unknown): boolean => typeof answer === 'string' && answer !== ''
  const nameOf = guardHook('fallback.models', asked, otherwise, isName)
  const renaming: Middleware = (next) => (request: ModelRequest) =>
    next(deriveRequest(request, { model: nameOf(request.model) }))
  return named(renaming, 'models', { options: { names: names === undefined ? undefined : 'given' } })
}

function providerAt(baseUrl: string): Provider {
  mustBeAddress(baseUrl)
  return providerOfUrl(baseUrl)
}

/** @throws TypeError in words that do not repeat the URL, which may hold a key */
function mustBeAddress(baseUrl: string): void {
  const url = URL.parse(baseUrl)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TypeError('the baseUrl of a fallback must be a URL that begins with http:// or https://')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new TypeError('the baseUrl of a fallback holds more than an address; its key is its credential')
}
