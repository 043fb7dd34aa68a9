import { type Call, errorAnswer, errorRoute, jsonAnswer, modelOf, type Route, route } from './answer.ts'
import { anthropicDialect, requestId } from './anthropic-error.ts'
import { messageBody } from './anthropic-message.ts'
import { refusedKey, refusedMessages, refusedVersion } from './anthropic-validation.ts'
import { ClaudeBatches } from './claude-batches.ts'
import { listRoute, modelInfo } from './claude-models.ts'
import { refusedByRules } from './claude-rules.ts'
import type { EnforcedLimits } from './enforced-limits.ts'
import { FallbackCredits } from './fallback-credits.ts'
import { betasOf } from './fallback-fields.ts'
import { messagesRoute, replyTo } from './messages-route.ts'
import { promptTokens } from './reply.ts'
import { serverSideFallback } from './server-side-fallback.ts'
import { SignedThinking } from './signed-thinking.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'
import { isAnswer, wireLimits } from './wire-limits.ts'

/** Options of {@link startClaude}. */
export interface ClaudeOptions extends ServerOptions {
  /** The keys that are let in. @default any key, but there must be one */
  readonly apiKeys?: readonly string[]
  /** The models that exist. @default any; three are listed */
  readonly models?: readonly string[]
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

const listedModels = ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5']

/** Starts a server that speaks Anthropic's Messages API. */
export function startClaude(options: ClaudeOptions = {}): Promise<SimulatedServer> {
  return startServer(claudeSite(options), options)
}

function claudeSite(options: ClaudeOptions): Site {
  const headers = options.limits === undefined ? usualHeaders : ownHeaders
  const limits = options.limits === undefined ? undefined : wireLimits(options.limits, headers)
  const dialect = anthropicDialect(headers)
  const refused = (call: Call): ReturnType<typeof refusedKey> =>
    refusedKey(call, options.apiKeys) ?? refusedVersion(call)
  const unknownModel = (call: Call): ReturnType<typeof refusedKey> => {
    const model = modelOf(call)
    if (options.models === undefined || options.models.includes(model)) return undefined
    return { status: 404, message: `model: ${model}` }
  }
  const guarded = (inner: Route): Route => ({
    ...inner,
    answer(call) {
      const refusal = refused(call)
      return refusal === undefined ? inner.answer(call) : errorAnswer(dialect, call, refusal)
    },
  })

  const permitted = options.fallbackModels ?? {}
  const credits = new FallbackCredits(permitted, options.creditLifetimeMs)
  const thinking = new SignedThinking()
  const refusedThinking = (call: Call): ReturnType<typeof refusedKey> =>
    options.checkThinking === true ? thinking.refused(call) : undefined
  const refusedRules = (call: Call): ReturnType<typeof refusedKey> =>
    options.checkRules === true ? refusedByRules(call) : undefined
  const messages = messagesRoute(
    options,
    dialect,
    { pings: true },
    (call) =>
      refused(call) ??
      refusedMessages(call, 'generate') ??
      unknownModel(call) ??
      refusedRules(call) ??
      credits.refused(call) ??
      refusedThinking(call),
    (call, reply) => thinking.sign(call, reply),
    limits,
    (call) =>
      credits.settled(
        call,
        serverSideFallback(call, permitted, (asked) => replyTo(asked, options)),
      ),
  )
  const count = guarded({
    dialect,
    generates: false,
    answer(call) {
      const refusal = refusedMessages(call, 'count_tokens') ?? unknownModel(call)
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

  return {
    bodyLimit: 32 * 1024 * 1024,
    route(method, pathname) {
      if (pathname === '/v1/messages') return method === 'POST' ? messages : notAllowed
      if (pathname === '/v1/messages/count_tokens') return method === 'POST' ? count : notAllowed
      const owned = batches.route(method, pathname)
      if (owned !== undefined) return guarded(owned)
      if (method !== 'GET') return notFound
      if (pathname === '/v1/models') return list
      const id = /^\/v1\/models\/([^/]+)$/.exec(pathname)?.[1]
      if (id === undefined) return notFound
      if (!models.includes(id)) return guarded(errorRoute(dialect, { status: 404, message: `model: ${id}` }))
      return guarded(route(dialect, (call) => infoOf(call, id)))
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

/** Limits that are never reached; made anew once a second, since they name a time. */
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
