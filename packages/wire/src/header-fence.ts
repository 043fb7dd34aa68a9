import type { Api } from '@spillway/middleware'
import type { RequestHeaders } from '@spillway/middleware/kit'
import { connectionHeaders } from './connection-headers.ts'

/** Whose protocol gives headers a meaning; `local` for servers that read none beyond HTTP's. */
export type HeaderVenue =
  | 'anthropic'
  | 'openrouter'
  | 'openai'
  | 'local'
  | 'bedrock'
  | 'vertex'
  | 'aws'
  | 'google'

/** Whether a caller's header goes upstream, by its name in lower case. */
export type HeaderFence = (name: string) => boolean

export interface HeaderFenceOptions {
  /** Further names that go upstream. */
  readonly forwardHeaders?: readonly string[] | undefined
  /**
   * Whether `authorization` and `x-api-key` pass, because whoever sends the request has put the right ones there.
   * @default false
   */
  readonly credentials?: boolean
}

interface Allowed {
  readonly names: readonly string[]
  /** Names that begin so. */
  readonly prefixes: readonly string[]
}

/**
 * What every server reads, and the trace context of the W3C. `baggage` belongs to the caller: it may hold anything,
 * user names among it.
 */
const common: readonly string[] = ['accept', 'content-type', 'user-agent', 'traceparent', 'tracestate']

/** The names that a protocol defines. Each is said by the vendor's documents, or sent by its own clients. */
const venues: Readonly<Record<HeaderVenue, Allowed>> = {
  // Claude Code wants unknown `anthropic-*` passed on, and tells what it is by `x-app` and `x-claude-code-*`; the
  // SDKs tell how often they have tried, and from where, by `x-stainless-*`.
  anthropic: {
    names: ['x-app'],
    prefixes: ['anthropic-', 'x-claude-code-', 'x-stainless-'],
  },
  openrouter: {
    names: ['http-referer', 'x-title', 'x-anthropic-beta'],
    prefixes: ['x-openrouter-'],
  },
  openai: {
    names: ['idempotency-key', 'x-client-request-id'],
    prefixes: ['openai-', 'x-stainless-'],
  },
  local: { names: [], prefixes: [] },
  // The Bedrock runtime has versions and betas in its bodies; what signs a request is `x-amz-*`.
  bedrock: { names: ['x-amzn-trace-id'], prefixes: ['x-amz-', 'x-amzn-bedrock-'] },
  vertex: { names: ['anthropic-beta', 'x-goog-user-project'], prefixes: ['x-vertex-ai-'] },
  // Anthropic's own API behind the signatures of AWS, and behind Google's front.
  aws: { names: ['x-app'], prefixes: ['anthropic-', 'x-amz-', 'x-claude-code-', 'x-stainless-'] },
  google: {
    names: ['x-app', 'x-goog-user-project'],
    prefixes: ['anthropic-', 'x-claude-code-', 'x-stainless-'],
  },
}

/** OpenRouter speaks two protocols; these are for one of them. */
const ofMessages = 'anthropic-'

/**
 * Asks Anthropic to admit a browser's page from any origin. `origin` never goes upstream, so there is nothing to admit,
 * and its answers need no permission for pages to read them.
 */
const forBrowsersOnly = 'anthropic-dangerous-direct-browser-access'

const credentialNames: readonly string[] = ['authorization', 'x-api-key']

/** Belong to one connection, are set by whoever sends the request, or are a secret of the caller's. */
const neverForwarded: ReadonlySet<string> = new Set([
  ...connectionHeaders,
  ...credentialNames,
  'accept-encoding',
  'content-encoding',
  'content-length',
  'cookie',
  'cookie2',
  'expect',
  'host',
  'http2-settings',
  'proxy-authorization',
  'set-cookie',
])

/**
 * Why a header can never be added to those that go upstream; undefined where it can be.
 * @param name in any case
 */
export function whyNotForwarded(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/i.test(name)) return 'is not the name of a header'
  const lower = name.toLowerCase()
  if (lower.startsWith('x-spillway-')) return 'is for Spillway alone'
  if (credentialNames.includes(lower)) return 'holds a credential, and that is what `credential` is for'
  if (lower.includes('cookie')) return 'holds what its owner keeps about one origin'
  return neverForwarded.has(lower) ? 'belongs to one connection' : undefined
}

/**
 * Tells which headers of a caller go to an upstream: those that its protocol defines, and no others, so that keys,
 * addresses and whatever else callers and proxies add do not reach it.
 * @param api the protocol of the request
 * @throws RangeError for `forwardHeaders` that never go upstream
 */
export function headerFence(venue: HeaderVenue, api: Api, options: HeaderFenceOptions = {}): HeaderFence {
  const { forwardHeaders = [], credentials = false } = options
  for (const [index, name] of forwardHeaders.entries()) {
    // Not by its name: a whole header may have been put there.
    const reason = whyNotForwarded(name)
    if (reason !== undefined) throw new RangeError(`forwardHeaders[${index}] ${reason}`)
  }
  const { names } = venues[venue]
  const prefixes = [
    ...venues[venue].prefixes,
    ...(venue === 'openrouter' && api === 'anthropic' ? [ofMessages] : []),
  ]
  const added = new Set(forwardHeaders.map((name) => name.toLowerCase()))
  const allowed = new Set([...common, ...names, ...added, ...(credentials ? credentialNames : [])])
  return (name) => {
    if (allowed.has(name)) return true
    for (const prefix of prefixes) if (name.startsWith(prefix)) return name !== forBrowsersOnly
    return false
  }
}

/**
 * Whether a request carries this header because its caller meant it for another target: the same value under the same
 * name, or the same key however it is presented, since translation puts keys where the other protocol has them.
 * @param diverted `context.divertedHeaders` of the request
 */
export function isDivertedHeader(name: string, headers: RequestHeaders, diverted: RequestHeaders): boolean {
  const value = headers[name]
  if (value === undefined) return false
  if (!credentialNames.includes(name)) return diverted[name] === value
  const secret = secretOf(value)
  return credentialNames.some(
    (other) => diverted[other] !== undefined && secretOf(diverted[other]) === secret,
  )
}

const secretOf = (credential: string): string => credential.replace(/^bearer\s+/i, '').trim()
