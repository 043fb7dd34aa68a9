import {
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
import { bearerToken, refusedMessages } from './anthropic-validation.ts'
import { chatRoute } from './chat-route.ts'
import type { EnforcedLimits } from './enforced-limits.ts'
import { messagesRoute } from './messages-route.ts'
import { refusedChat } from './openai-chat.ts'
import { Account, costOf, openRouterModel } from './openrouter-account.ts'
import { generationId, openRouterChat, openRouterMessages, processing } from './openrouter-error.ts'
import type { FullReply } from './reply.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'
import { wireLimits } from './wire-limits.ts'

/** Options of {@link startOpenRouter}. */
export interface OpenRouterOptions extends ServerOptions {
  /** The keys that are let in. @default any key, but there must be one */
  readonly apiKeys?: readonly string[]
  /** The models that exist. @default any; two are listed */
  readonly models?: readonly string[]
  /** Days after which models may be removed (`YYYY-MM-DD`), by their ids. @default none */
  readonly expirations?: Readonly<Record<string, string>>
  /**
   * Limits that it enforces at its chat completions: those of OpenAI or Groq, whose servers speak that protocol.
   * @default none
   */
  readonly limits?: EnforcedLimits
}

const listedModels = ['anthropic/claude-opus-5.5', 'anthropic/claude-sonnet-5.5']

/**
 * Starts a server that speaks OpenRouter's API, and so OpenAI's chat completions too. Every path is there with
 * and without the prefix `/api`, so both `${url}/api/v1` and `${url}/v1` are good base addresses.
 */
export function startOpenRouter(options: OpenRouterOptions = {}): Promise<SimulatedServer> {
  return startServer(openRouterSite(options), options)
}

function openRouterSite(options: OpenRouterOptions): Site {
  const account = new Account()
  const book = (call: Call, reply: FullReply): void => account.book(call, reply, options.record !== false)
  const refused = (call: Call): Refusal | undefined => {
    const key = bearerToken(call)
    if (key === undefined) return { status: 401, message: 'No auth credentials found' }
    if (options.apiKeys === undefined || options.apiKeys.includes(key)) return undefined
    return { status: 401, message: 'User not found.' }
  }
  const unknownModel = (call: Call): Refusal | undefined => {
    const model = modelOf(call)
    if (options.models === undefined || options.models.includes(model)) return undefined
    return { status: 404, message: `No endpoints found for ${model}.` }
  }
  const guarded = (answer: (call: Call) => object | undefined): Route => ({
    dialect: openRouterChat,
    generates: false,
    answer(call) {
      const refusal = refused(call)
      if (refusal !== undefined) return errorAnswer(openRouterChat, call, refusal)
      const data = answer(call)
      if (data === undefined) return errorAnswer(openRouterChat, call, { status: 404 })
      return jsonAnswer(JSON.stringify({ data }), {})
    },
  })

  const moreUsage = (reply: FullReply): Record<string, unknown> => ({ cost: costOf(reply), is_byok: false })
  const chatFlavour = {
    comment: processing,
    alwaysUsage: true,
    idOf: generationId,
    more: () => ({ provider: 'Anthropic' }),
    moreChoice: (reply: FullReply) => ({ native_finish_reason: reply.stopReason }),
    moreUsage,
  }
  const chat = chatRoute(
    options,
    openRouterChat,
    chatFlavour,
    (call) => refused(call) ?? refusedChat(call) ?? unknownModel(call),
    book,
    options.limits === undefined
      ? undefined
      : wireLimits(options.limits, (call) => openRouterChat.headers(call)),
  )
  const messages = messagesRoute(
    options,
    openRouterMessages,
    { comment: processing, pings: false, moreUsage },
    (call) => refused(call) ?? refusedMessages(call, 'generate') ?? unknownModel(call),
    book,
  )
  // The list is public.
  const list = route(openRouterChat, (call) => {
    const all = (options.models ?? listedModels).map((id) => openRouterModel(id, options.expirations?.[id]))
    const offset = Number(queryOf(call).get('offset') ?? 0)
    const limit = Number(queryOf(call).get('limit') ?? 500)
    return { data: all.slice(offset, offset + limit), links: { next: null }, total_count: all.length }
  })
  const key = guarded(() => account.key())
  const generation = guarded((call) => account.generation(queryOf(call).get('id') ?? ''))
  const missing = (dialect: Dialect): Route => errorRoute(dialect, { status: 404 })

  return {
    bodyLimit: 32 * 1024 * 1024,
    route(method, pathname) {
      const path = pathname.replace(/^\/api(?=\/)/, '')
      switch (`${method} ${path}`) {
        case 'POST /v1/chat/completions':
          return chat
        case 'POST /v1/messages':
          return messages
        case 'GET /v1/models':
          return list
        case 'GET /v1/key':
          return key
        case 'GET /v1/generation':
          return generation
        default:
          return missing(path.startsWith('/v1/messages') ? openRouterMessages : openRouterChat)
      }
    },
  }
}

function queryOf({ request }: Call): URLSearchParams {
  return new URL(request.path, 'http://localhost').searchParams
}
