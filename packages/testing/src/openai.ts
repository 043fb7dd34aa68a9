import {
  type Call,
  type Dialect,
  errorAnswer,
  errorRoute,
  fieldsOf,
  jsonAnswer,
  modelOf,
  type Refusal,
  type Route,
  route,
} from './answer.ts'
import { bearerToken } from './anthropic-validation.ts'
import { refusedByDeepSeek } from './chat-deepseek-rules.ts'
import { refusedByOpenAi } from './chat-openai-rules.ts'
import { chatRoute } from './chat-route.ts'
import { type ChatFlavour, refusedChat } from './openai-chat.ts'
import { openAiChat } from './openai-error.ts'
import { responsesRoute } from './openai-responses.ts'
import type { RecordedRequest } from './recorded-request.ts'
import { promptTokens, type Reply } from './reply.ts'
import { refusedResponses } from './responses-rules.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'

/** Options of {@link startOpenAi}. */
export interface OpenAiOptions extends ServerOptions {
  /** The keys that are let in. @default any key, but there must be one */
  readonly apiKeys?: readonly string[]
  /** The models that exist. @default any; two are listed */
  readonly models?: readonly string[]
  /**
   * Whose rules are enforced: those of OpenAI, whose models of today think without a word of it, or of DeepSeek, which thinks
   * aloud, in `reasoning_content`, and wants it back beside the calls of a tool loop.
   * @default 'openai'
   */
  readonly rules?: 'openai' | 'deepseek'
}

const vendors = {
  openai: {
    models: ['gpt-5.5', 'gpt-5.5-mini'],
    refused: refusedByOpenAi,
    flavour: { alwaysUsage: false, idOf: (call: Call) => `chatcmpl-${call.id}`, thinks: 'silently' },
  },
  deepseek: {
    models: ['deepseek-v4-pro', 'deepseek-v4-flash'],
    refused: refusedByDeepSeek,
    flavour: { alwaysUsage: true, idOf: (call: Call) => call.id, thinks: 'reasoning_content' },
  },
} as const satisfies Record<
  string,
  { models: readonly string[]; refused: (call: Call) => Refusal | undefined; flavour: ChatFlavour }
>

/**
 * Starts a server of chat completions and, with the rules of OpenAI, of Responses (stateless), that refuses what its vendor refuses: unknown fields and roles, results without their
 * calls and calls without their results, schemas, ids and names of the wrong form. Its paths are there with and without `/v1`.
 */
export function startOpenAi(options: OpenAiOptions = {}): Promise<SimulatedServer> {
  return startServer(openAiSite(options), options)
}

/** DeepSeek thinks unless it is told not to, and then says not a word of it. */
function deepSeekReply({ reply = {} }: OpenAiOptions): (request: RecordedRequest) => Reply {
  return (request) => {
    const said = typeof reply === 'function' ? reply(request) : reply
    const isOff = fieldsOf(fieldsOf(request.json).thinking).type === 'disabled'
    return { ...said, thinking: isOff ? '' : (said.thinking ?? 'Let me see.') }
  }
}

function openAiSite(given: OpenAiOptions): Site {
  const options = given.rules === 'deepseek' ? { ...given, reply: deepSeekReply(given) } : given
  const vendor = vendors[options.rules ?? 'openai']
  const dialect: Dialect = openAiChat
  const refusedKey = (call: Call): Refusal | undefined => {
    const key = bearerToken(call)
    if (key === undefined) return { status: 401, message: "You didn't provide an API key." }
    if (options.apiKeys === undefined || options.apiKeys.includes(key)) return undefined
    return { status: 401, message: 'Incorrect API key provided.' }
  }
  const unknownModel = (call: Call): Refusal | undefined => {
    const model = modelOf(call)
    if (options.models === undefined || options.models.includes(model)) return undefined
    return { status: 404, message: `The model \`${model}\` does not exist or you do not have access to it.` }
  }
  const chat = chatRoute(
    options,
    dialect,
    vendor.flavour,
    (call) => refusedKey(call) ?? refusedChat(call) ?? unknownModel(call) ?? vendor.refused(call),
  )
  const responses = responsesRoute(
    options,
    (call, kept) => refusedKey(call) ?? refusedResponses(call, kept) ?? unknownModel(call),
  )
  const count: Route = {
    dialect,
    generates: false,
    answer(call) {
      const refusal = refusedKey(call) ?? refusedResponses(call)
      if (refusal !== undefined) return errorAnswer(dialect, call, refusal)
      const body = { object: 'response.input_tokens', input_tokens: promptTokens(call.request.json) }
      return jsonAnswer(JSON.stringify(body), dialect.headers(call))
    },
  }
  const list = route(dialect, () => ({
    object: 'list',
    data: (options.models ?? vendor.models).map((id) => ({
      id,
      object: 'model',
      created: 1_790_000_000,
      owned_by: options.rules ?? 'openai',
    })),
  }))
  const guardedList: Route = {
    ...list,
    answer(call) {
      const refusal = refusedKey(call)
      return refusal === undefined ? list.answer(call) : errorAnswer(dialect, call, refusal)
    },
  }
  const notFound = errorRoute(dialect, { status: 404, message: 'Invalid URL' })
  return {
    bodyLimit: 32 * 1024 * 1024,
    route(method, pathname) {
      switch (`${method} ${pathname.replace(/^\/v1(?=\/)/, '')}`) {
        case 'POST /chat/completions':
          return chat
        case 'POST /responses':
        // Azure.
        case 'POST /openai/responses':
        case 'POST /openai/v1/responses':
          return options.rules === 'deepseek' ? notFound : responses
        case 'POST /responses/input_tokens':
          return options.rules === 'deepseek' ? notFound : count
        case 'GET /models':
          return guardedList
      }
      return notFound
    },
  }
}
