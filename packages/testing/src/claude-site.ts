import {
  type Answer,
  type Call,
  type Dialect,
  errorAnswer,
  errorRoute,
  jsonAnswer,
  modelOf,
  type Refusal,
  type Route,
  route,
} from './answer.ts'
import { anthropicDialect, requestId } from './anthropic-error.ts'
import { messageBody } from './anthropic-message.ts'
import { refusedMessages, refusedVersion } from './anthropic-validation.ts'
import { ClaudeBatches } from './claude-batches.ts'
import { listRoute, type ModelLifecycle, modelInfo } from './claude-models.ts'
import { refusedByRules } from './claude-rules.ts'
import type { EnforcedLimits } from './enforced-limits.ts'
import { FallbackCredits } from './fallback-credits.ts'
import { betasOf } from './fallback-fields.ts'
import { messagesRoute, replyTo } from './messages-route.ts'
import { promptTokens } from './reply.ts'
import { serverSideFallback } from './server-side-fallback.ts'
import { SignedThinking } from './signed-thinking.ts'
import type { ServerOptions, Site } from './simulated-server.ts'
import { isAnswer, wireLimits } from './wire-limits.ts'

/** What servers of the whole first-party API can be told. */
export interface FirstPartyOptions extends ServerOptions {
  /** The models that exist. @default any; three are listed */
  readonly models?: readonly string[]
  /** What the list of models says of the end of some, by their ids. @default all are active */
  readonly lifecycles?: Readonly<Record<string, ModelLifecycle>>
  /**
   * Refuses thinking that it has not signed, that has changed, or that does not come first, as Claude does.
   * @default false
   */
  readonly checkThinking?: boolean
  /**
   * Refuses what Claude refuses of a conversation that has the right form: unknown fields, blank texts, ids with other
   * characters than `a-zA-Z0-9_-` or that come twice, calls without results and results without calls, instructions in the wrong
   * place, images of other types, schemas that leave objects open or that it cannot keep to, and what the model does not take (a forced tool, ways of thinking, sampling parameters, a prefill).
   * @default false
   */
  readonly checkRules?: boolean
  /**
   * The models that each model's refusals (`reply.refusal`) may be retried on. With the beta `server-side-fallback-2026-07-01`
   * the Models API publishes them, and `fallbacks` of a request are asked; with `fallback-credit-2026-07-01` refusals of these
   * models carry a token, which is checked as strictly as Claude does. @default none
   */
  readonly fallbackModels?: Readonly<Record<string, readonly string[]>>
  /** How long such a token is good for, in milliseconds. @default 300000 */
  readonly creditLifetimeMs?: number
  /** Limits that it enforces: one organisation, whatever the key. @default none that is ever reached */
  readonly limits?: EnforcedLimits
}

/** What is in front of Claude's first-party API: its own keys, or a cloud. */
export interface ClaudeFront {
  /** What paths have before `/v1`. @default nothing */
  readonly prefix?: RegExp
  /** Whether there is nothing but messages and counts of their tokens. @default false */
  readonly messagesOnly?: boolean
  /** Whether responses say how much of the limits is left. @default true */
  readonly rateLimitHeaders?: boolean
  /** More headers of every response. */
  headers?(call: Call): Record<string, string>
  /** Its answer to a request that it does not let through. */
  refused(call: Call, dialect: Dialect): Answer | undefined
  /** What it does not take of a request that Claude would take. */
  refusedRequest?(call: Call): Refusal | undefined
  /** What is said of a model that does not exist. @default 404, in the words of Claude */
  unknownModel?(model: string): Refusal
}

const listedModels = ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5']

/** Claude's first-party API, behind a front. */
export function claudeSite(options: FirstPartyOptions, front: ClaudeFront): Site {
  const isLimited = options.limits !== undefined || front.rateLimitHeaders === false
  const headers = (call: Call): Record<string, string> => ({
    ...(isLimited ? ownHeaders(call) : usualHeaders(call)),
    ...front.headers?.(call),
  })
  const limits = options.limits === undefined ? undefined : wireLimits(options.limits, headers)
  const dialect = anthropicDialect(headers)
  const unknownModel = (call: Call): Refusal | undefined => {
    const model = modelOf(call)
    if (options.models === undefined || options.models.includes(model)) return undefined
    return front.unknownModel?.(model) ?? { status: 404, message: `model: ${model}` }
  }
  const guarded = (inner: Route): Route => ({
    ...inner,
    answer(call) {
      const stopped = front.refused(call, dialect)
      if (stopped !== undefined) return stopped
      const refused = refusedVersion(call)
      return refused === undefined ? inner.answer(call) : errorAnswer(dialect, call, refused)
    },
  })

  const permitted = options.fallbackModels ?? {}
  const credits = new FallbackCredits(permitted, options.creditLifetimeMs)
  const thinking = new SignedThinking()
  const messages = guarded(
    messagesRoute(
      options,
      dialect,
      { pings: true },
      (call) =>
        refusedMessages(call, 'generate') ??
        unknownModel(call) ??
        front.refusedRequest?.(call) ??
        (options.checkRules === true ? refusedByRules(call) : undefined) ??
        credits.refused(call) ??
        (options.checkThinking === true ? thinking.refused(call) : undefined),
      (call, reply) => thinking.sign(call, reply),
      limits,
      (call) =>
        credits.settled(
          call,
          serverSideFallback(call, permitted, (asked) => replyTo(asked, options)),
        ),
    ),
  )
  const count = guarded({
    dialect,
    generates: false,
    answer(call) {
      const refusal =
        refusedMessages(call, 'count_tokens') ?? unknownModel(call) ?? front.refusedRequest?.(call)
      if (refusal !== undefined) return errorAnswer(dialect, call, refusal)
      const entered = limits?.count(call) ?? {}
      if (isAnswer(entered)) return entered
      const body = JSON.stringify({ input_tokens: promptTokens(call.request.json) })
      return jsonAnswer(body, { ...dialect.headers(call), ...entered })
    },
  })
  const models = options.models ?? listedModels
  const infoOf = (call: Call, id: string): { readonly id: string } => ({
    ...modelInfo(id),
    ...options.lifecycles?.[id],
    ...(betasOf(call).has('server-side-fallback-2026-07-01') && {
      allowed_fallback_models: permitted[id] ?? [],
    }),
  })
  const list = guarded(listRoute(dialect, (call) => models.map((id) => infoOf(call, id))))
  const batches = new ClaudeBatches({
    dialect,
    message: (call) => JSON.parse(messageBody(call, modelOf(call), replyTo(call, options), { pings: true })),
    refused: (call) => (refusedMessages(call, 'generate') ?? unknownModel(call))?.message,
  })
  const notFound = errorRoute(dialect, { status: 404 })
  const notAllowed = errorRoute(dialect, { status: 405, message: 'Method Not Allowed' })

  const others = (method: string, pathname: string): Route => {
    const owned = batches.route(method, pathname)
    if (owned !== undefined) return guarded(owned)
    if (method !== 'GET') return notFound
    if (pathname === '/v1/models') return list
    const id = /^\/v1\/models\/([^/]+)$/.exec(pathname)?.[1]
    if (id === undefined) return notFound
    if (!models.includes(id)) return guarded(errorRoute(dialect, { status: 404, message: `model: ${id}` }))
    return guarded(route(dialect, (call) => infoOf(call, id)))
  }
  return {
    bodyLimit: 32 * 1024 * 1024,
    route(method, path) {
      const [before] = front.prefix?.exec(path) ?? ['']
      if (front.prefix !== undefined && before === '') return notFound
      const pathname = path.slice(before.length)
      if (pathname === '/v1/messages') return method === 'POST' ? messages : notAllowed
      if (pathname === '/v1/messages/count_tokens') return method === 'POST' ? count : notAllowed
      return front.messagesOnly === true ? notFound : others(method, pathname)
    },
  }
}

function ownHeaders(call: Call): Record<string, string> {
  return {
    'request-id': requestId(call),
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
  }
}

function usualHeaders(call: Call): Record<string, string> {
  return { ...ownHeaders(call), ...rateLimitHeaders() }
}

let rateLimits: { second: number; headers: Readonly<Record<string, string>> } | undefined

/** Limits that are never reached; made again once a second, since they name a time. */
function rateLimitHeaders(): Readonly<Record<string, string>> {
  const second = Math.floor(Date.now() / 1000)
  if (rateLimits?.second === second) return rateLimits.headers
  const headers: Record<string, string> = {}
  const reset = `${new Date((second + 1) * 1000).toISOString().slice(0, 19)}Z`
  const limits = { requests: 4000, tokens: 2_400_000, 'input-tokens': 2_000_000, 'output-tokens': 400_000 }
  for (const [name, limit] of Object.entries(limits)) {
    headers[`anthropic-ratelimit-${name}-limit`] = String(limit)
    headers[`anthropic-ratelimit-${name}-remaining`] = String(name === 'requests' ? limit - 1 : limit)
    headers[`anthropic-ratelimit-${name}-reset`] = reset
  }
  rateLimits = { second, headers }
  return headers
}
