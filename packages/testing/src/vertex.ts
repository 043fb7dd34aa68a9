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
import { refusedByCloud } from './cloud-rules.ts'
import { firstPartyCall } from './first-party-call.ts'
import { type GoogleAccess, googleError, googleProblem } from './google-access.ts'
import { messagesRoute } from './messages-route.ts'
import { promptTokens } from './reply.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'
import { modelNotFound } from './vertex-faults.ts'

/** Options of {@link startVertex}. */
export interface VertexOptions extends ServerOptions, GoogleAccess {
  /** The models that exist. @default any */
  readonly models?: readonly string[]
  /** The betas that are taken in `anthropic-beta`. @default any */
  readonly betas?: readonly string[]
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
}

/**
 * Starts a server that speaks Claude on Vertex AI: `…/publishers/anthropic/models/{id}:rawPredict` and `:streamRawPredict`, and
 * the count of tokens. Errors of Google's front are in the form of Google's, those of Claude in its own.
 */
export function startVertex(options: VertexOptions = {}): Promise<SimulatedServer> {
  return startServer(vertexSite(options), options)
}

const requestId = ({ id }: Call): string => `req_vrtx_${id}`

/** What Claude says, and what is inside a stream. */
const claude: Dialect = anthropicDialect((call) => ({ 'request-id': requestId(call) }), requestId)

/** What Google's front says. */
const dialect: Dialect = { ...claude, errorBody: googleError, errorIn200: googleError }

/** The versions of the API that Vertex takes, in the body. */
const versions: readonly unknown[] = ['vertex-2023-10-16', '2026-10-21']

/** What Vertex does not take (platform docs, Claude on Google Cloud). */
const limits = {
  fields: ['container', 'mcp_servers', 'fallbacks', 'inference_geo', 'service_tier'],
  tools: ['web_fetch_', 'code_execution_', 'mcp_toolset'],
}

const path =
  /^(?:\/v1)?\/projects\/([^/]+)\/locations\/([^/]+)\/publishers\/anthropic\/models\/([^/:]+):(?:rawPredict|streamRawPredict)(?=\?|$)/

function vertexSite(options: VertexOptions): Site {
  const messages = messagesRoute(
    options,
    claude,
    { pings: true },
    (call) => refusedMessages(call, 'generate') ?? (options.checkRules ? refusedByRules(call) : undefined),
  )
  const guarded = (generates: boolean, model: string | undefined, answer: Route['answer']): Route => ({
    dialect,
    generates,
    answer(call) {
      const stopped = refusedAccess(call, model, options)
      if (stopped !== undefined) return errorAnswer(dialect, call, stopped)
      const refused = refusedBody(call, model, options)
      return refused === undefined ? answer(firstPartyCall(call, model)) : errorAnswer(claude, call, refused)
    },
  })
  const count = guarded(false, undefined, (call) => {
    const refused = refusedMessages(call, 'count_tokens')
    if (refused !== undefined) return errorAnswer(claude, call, refused)
    return jsonAnswer(JSON.stringify({ input_tokens: promptTokens(call.request.json) }), claude.headers(call))
  })
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

/** What Google's front refuses: who asks, and for a model that is not there. */
function refusedAccess(call: Call, model: string | undefined, options: VertexOptions): Refusal | undefined {
  const [, project = '', location = ''] = path.exec(call.request.path) ?? []
  const problem = googleProblem(call, options, project, location)
  if (problem !== undefined) return problem
  if (call.request.tooLarge) return { status: 413 }
  const asked = model ?? String(fieldsOf(call.request.json).model)
  const isThere = options.models === undefined || options.models.includes(asked)
  if (isThere && (options.locations === undefined || options.locations.includes(location))) return undefined
  const name = `projects/${project}/locations/${location}/publishers/anthropic/models/${asked}`
  return { status: 404, message: modelNotFound(name) }
}

/** What Claude refuses of a body that is Vertex's own. @param model undefined where the body names it: in counts */
function refusedBody(call: Call, model: string | undefined, { betas }: VertexOptions): Refusal | undefined {
  const bad = (message: string): Refusal => ({ status: 400, message })
  const body = fieldsOf(call.request.json)
  if (model !== undefined && 'model' in body) return bad('model: Extra inputs are not permitted')
  if (body.anthropic_version === undefined) return bad('anthropic_version: Field required')
  if (!versions.includes(body.anthropic_version))
    return bad(`anthropic_version: "${body.anthropic_version}" is not a valid version`)
  const asked = (call.request.headers['anthropic-beta'] ?? '').split(/\s*,\s*/).filter((each) => each !== '')
  const unknown = betas && asked.filter((beta) => !betas.includes(beta))
  if (unknown !== undefined && unknown.length > 0) {
    const names = unknown.map((beta) => `\`${beta}\``).join(', ')
    return bad(
      `Unexpected value(s) ${names} for the \`anthropic-beta\` header. Please consult our documentation at docs.anthropic.com or try again without the header.`,
    )
  }
  const refused = refusedByCloud(body, limits)
  return refused === undefined ? undefined : bad(refused)
}
