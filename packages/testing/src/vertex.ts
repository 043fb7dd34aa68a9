import {
  type Call,
  type Dialect,
  errorAnswer,
  errorRoute,
  fieldsOf,
  jsonAnswer,
  type Refusal,
  type Route,
} from './answer.ts'
import { anthropicDialect } from './anthropic-error.ts'
import { refusedMessages } from './anthropic-validation.ts'
import { refusedByRules } from './claude-rules.ts'
import { firstPartyCall } from './first-party-call.ts'
import { type GoogleAccess, googleError, googleProblem } from './google-access.ts'
import { messagesRoute } from './messages-route.ts'
import { promptTokens } from './reply.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'

/** Options of {@link startVertex}. */
export interface VertexOptions extends ServerOptions, GoogleAccess {
  /** The models that exist. @default any */
  readonly models?: readonly string[]
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
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
  /^(?:\/v1)?\/projects\/([^/]+)\/locations\/([^/]+)\/publishers\/anthropic\/models\/([^/:]+):(rawPredict|streamRawPredict)(?=\?|$)/

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
      const refused = refusedAccess(call, options) ?? refusedBody(call, model, options)
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
      const id = path.exec(pathname)?.[3]
      if (method !== 'POST' || id === undefined) return notFound
      return id === 'count-tokens' ? count : guarded(true, decodeURIComponent(id), messages.answer)
    },
  }
}

function refusedAccess(call: Call, options: VertexOptions): Refusal | undefined {
  const [, project = '', location = ''] = path.exec(call.request.path) ?? []
  return googleProblem(call, options, project, location)
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
