import {
  type Call,
  type Dialect,
  errorAnswer,
  errorRoute,
  fieldsOf,
  jsonAnswer,
  type Refusal,
  type Route,
  type WireError,
} from './answer.ts'
import { anthropicDialect } from './anthropic-error.ts'
import { bearerToken, refusedMessages } from './anthropic-validation.ts'
import { refusedByRules } from './claude-rules.ts'
import { firstPartyCall } from './first-party-call.ts'
import { messagesRoute } from './messages-route.ts'
import { promptTokens } from './reply.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'

/** Options of {@link startVertex}. */
export interface VertexOptions extends ServerOptions {
  /** The OAuth access tokens that are let in. @default any */
  readonly tokens?: readonly string[]
  /** The models that exist. @default any */
  readonly models?: readonly string[]
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
}

/** `google.rpc.Code` and the usual words by status. */
const statuses: Readonly<Record<number, readonly [status: string, message: string]>> = {
  400: ['INVALID_ARGUMENT', 'Request contains an invalid argument.'],
  401: ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  403: ['PERMISSION_DENIED', "Permission 'aiplatform.endpoints.predict' denied on resource."],
  404: ['NOT_FOUND', 'Publisher Model was not found or your project does not have access to it.'],
  429: ['RESOURCE_EXHAUSTED', 'Resource exhausted, please try again later.'],
  499: ['CANCELLED', 'The operation was cancelled.'],
  500: ['INTERNAL', 'Internal error encountered.'],
  503: ['UNAVAILABLE', 'The service is currently unavailable.'],
  504: ['DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'],
}

const googleError = ({ status: code = 503, type, message }: WireError): string => {
  const [usual, words] = statuses[code] ?? ['UNKNOWN', `Status ${code}`]
  return JSON.stringify({ error: { code, message: message ?? words, status: type ?? usual } })
}

/** Errors are Google's; what is inside a stream is Claude's own. */
const dialect: Dialect = {
  ...anthropicDialect(({ id }) => ({ 'request-id': `req_vrtx_${id}` })),
  errorBody: googleError,
  errorIn200: googleError,
}

/** The versions of the API that Vertex takes, in the body. */
const versions: readonly unknown[] = ['vertex-2023-10-16', '2026-10-21']

/**
 * Starts a server that speaks Claude on Vertex AI: `…/publishers/anthropic/models/{id}:rawPredict` and `:streamRawPredict`, and
 * the count of tokens.
 */
export function startVertex(options: VertexOptions = {}): Promise<SimulatedServer> {
  return startServer(vertexSite(options), options)
}

const path =
  /^(?:\/v1)?\/projects\/[^/]+\/locations\/[^/]+\/publishers\/anthropic\/models\/([^/:]+):(?:rawPredict|streamRawPredict)$/

function vertexSite(options: VertexOptions): Site {
  const messages = messagesRoute(
    options,
    dialect,
    { pings: true },
    (call) => refusedMessages(call, 'generate') ?? (options.checkRules ? refusedByRules(call) : undefined),
  )
  const guarded = (generates: boolean, model: string | undefined, answer: Route['answer']): Route => ({
    dialect,
    generates,
    answer(call) {
      const refused = refusedToken(call, options) ?? refusedBody(call, model, options)
      return refused === undefined ? answer(firstPartyCall(call, model)) : errorAnswer(dialect, call, refused)
    },
  })
  const count = guarded(false, undefined, (call) =>
    jsonAnswer(JSON.stringify({ input_tokens: promptTokens(call.request.json) }), dialect.headers(call)),
  )
  const notFound = errorRoute(dialect, { status: 404 })
  return {
    bodyLimit: 30 * 1024 * 1024,
    route(method, pathname) {
      const id = path.exec(pathname)?.[1]
      if (method !== 'POST' || id === undefined) return notFound
      return id === 'count-tokens' ? count : guarded(true, decodeURIComponent(id), messages.answer)
    },
  }
}

function refusedToken(call: Call, { tokens }: VertexOptions): Refusal | undefined {
  const token = bearerToken(call)
  const isKnown = token !== undefined && (tokens === undefined || tokens.includes(token))
  return isKnown ? undefined : { status: 401 }
}

function refusedBody(call: Call, model: string | undefined, { models }: VertexOptions): Refusal | undefined {
  if (model !== undefined && models !== undefined && !models.includes(model)) return { status: 404 }
  const { json, tooLarge } = call.request
  if (tooLarge) return { status: 413 }
  const body = fieldsOf(json)
  if (model !== undefined && 'model' in body)
    return { status: 400, message: 'model: Extra inputs are not permitted' }
  if (body.anthropic_version === undefined)
    return { status: 400, message: 'anthropic_version: Field required' }
  if (versions.includes(body.anthropic_version)) return undefined
  return { status: 400, message: `anthropic_version: "${body.anthropic_version}" is not a valid version` }
}
