import { deriveRequest, type Middleware, named } from '@spillway/middleware'
import { dialectOfUrl, includeUsage, translate } from '@spillway/translation'
import { normaliseBaseUrl, pathOf, readCredential, refuse } from '@spillway/wire'
import { forwardedQuery } from '@spillway/wire/internal'

/** Who answers: decides the base URL, the protocol and how a key is sent. */
export type Provider = 'anthropic' | 'openrouter' | 'openai' | 'ollama'

interface Facts {
  readonly baseUrl: string
  /** Whether a call without a key is refused there. */
  readonly needsKey: boolean
  readonly keyHeader: 'x-api-key' | 'authorization'
  /** Whether it may send headers only with the first token: a local model's server. */
  readonly answersLate: boolean
  /** What a model is called there. */
  readonly modelName: (model: string) => string
}

const same = (model: string): string => model

export const providers: Readonly<Record<Provider, Facts>> = {
  anthropic: {
    baseUrl: 'https://api.anthropic.com',
    needsKey: true,
    keyHeader: 'x-api-key',
    answersLate: false,
    modelName: same,
  },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api',
    needsKey: true,
    keyHeader: 'authorization',
    answersLate: false,
    modelName: openRouterName,
  },
  openai: {
    baseUrl: 'https://api.openai.com',
    needsKey: false,
    keyHeader: 'authorization',
    answersLate: true,
    modelName: same,
  },
  ollama: {
    baseUrl: 'http://127.0.0.1:11434',
    needsKey: false,
    keyHeader: 'authorization',
    answersLate: true,
    modelName: same,
  },
}

/** The provider at a base URL, where none is given: most servers that are not known speak chat completions. */
export function providerOfUrl(baseUrl: string): Provider {
  const { hostname, port } = new URL(baseUrl)
  if (hostname === 'openrouter.ai' || hostname.endsWith('.openrouter.ai')) return 'openrouter'
  if (hostname === 'anthropic.com' || hostname.endsWith('.anthropic.com')) return 'anthropic'
  return port === '11434' ? 'ollama' : 'openai'
}

/**
 * A Claude by OpenRouter's name: `claude-sonnet-5-5-20261001` is `anthropic/claude-sonnet-5.5`. Names with a slash, and those
 * that are no Claude's, stay.
 */
export function openRouterName(model: string): string {
  if (model.includes('/') || !model.startsWith('claude-')) return model
  const undated = model.replace(/(?:-latest|[-@]\d{8})$/, '')
  return `anthropic/${undated.replace(/(\d)-(\d)(?!\d)/, '$1.$2')}`
}

/** What makes a request into one that an endpoint of this provider takes. */
export function translationTo(provider: Provider, baseUrl: string): readonly Middleware[] {
  if (provider === 'anthropic') return [translate({ to: 'anthropic' })]
  const dialect = provider === 'openai' ? dialectOfUrl(baseUrl) : provider
  const toChat = translate({ to: 'openai', dialect, responses: dialect === 'openai' })
  if (provider !== 'openrouter') return [toChat, includeUsage()]
  // OpenRouter speaks both protocols, and counts no tokens.
  const counting: Middleware = (next) => {
    const translated = toChat(next)
    return (request) => (request.operation === 'count_tokens' ? translated : next)(request)
  }
  return [named(counting, 'translate', { options: { to: 'openai, to count tokens' } })]
}

/** Sends requests to a base URL, with this key in place of whatever the caller presented. */
export function addressedTo(provider: Provider, baseUrl: string, credential: () => string): Middleware {
  const base = normaliseBaseUrl(baseUrl)
  const { keyHeader, needsKey } = providers[provider]
  const addressed: Middleware = (next) => (request) => {
    const { 'x-api-key': _, authorization: __, ...headers } = request.headers
    const text = credential()
    const read = readCredential(text)
    const isMissing = text.trim() === ''
    if ('problem' in read && (!isMissing || needsKey)) {
      const message = `the credential of the fallback ${request.context.target} ${read.problem}`
      return Promise.resolve(refuse(request, { kind: 'authentication', message }))
    }
    const key = 'value' in read ? { [keyHeader]: inHeader(keyHeader, read.value) } : {}
    const url = `${base}${pathOf(request)}${forwardedQuery(request.url)}`
    return next(deriveRequest(request, { url, headers: { ...headers, ...key } }))
  }
  return named(addressed, 'endpoint', { options: { at: base } })
}

const inHeader = (name: string, key: string): string => (name === 'authorization' ? `Bearer ${key}` : key)
