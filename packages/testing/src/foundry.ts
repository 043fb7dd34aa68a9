import { type Answer, type Call, type Dialect, fieldsOf, jsonAnswer, modelOf } from './answer.ts'
import { bearerToken, isKnownToken } from './anthropic-validation.ts'
import { claudeSite } from './claude-site.ts'
import { azureError, invalidKey, noDeployment } from './foundry-faults.ts'
import type { RecordedRequest } from './recorded-request.ts'
import type { Reply } from './reply.ts'
import { type ServerOptions, type SimulatedServer, startServer } from './simulated-server.ts'

/** Options of {@link startFoundry}. */
export interface FoundryOptions extends ServerOptions {
  /** The keys that are let in, as `api-key` or `x-api-key`. @default any key */
  readonly apiKeys?: readonly string[]
  /** The access tokens of Entra that are let in. @default any token */
  readonly tokens?: readonly string[] | ((token: string) => boolean)
  /** The deployments of the resource, which requests name as their model, and the model of each. @default any, each its own model */
  readonly deployments?: Readonly<Record<string, string>>
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
}

/**
 * Starts a server that speaks Claude's first-party messages as Microsoft Foundry has them: `/anthropic/v1/messages` and
 * `/anthropic/v1/messages/count_tokens`, with the errors of Azure's front.
 */
export function startFoundry(options: FoundryOptions = {}): Promise<SimulatedServer> {
  const { deployments } = options
  const site = claudeSite(
    { ...options, reply: (request) => replyOf(request, options) },
    {
      prefix: /^\/anthropic(?=\/)/,
      messagesOnly: true,
      rateLimitHeaders: false,
      headers: (call) => ({ 'apim-request-id': apimId(call) }),
      refused(call, dialect) {
        if (!isKnown(call, options)) return azureAnswer(dialect, call, 401, '401', invalidKey)
        const isThere = deployments === undefined || modelOf(call) in deployments
        return isThere ? undefined : azureAnswer(dialect, call, 404, 'DeploymentNotFound', noDeployment)
      },
    },
  )
  return startServer(site, options)
}

/** The answer names the model, not the deployment. */
function replyOf(request: RecordedRequest, { deployments, reply = {} }: FoundryOptions): Reply {
  const given = typeof reply === 'function' ? reply(request) : reply
  const model = deployments?.[String(fieldsOf(request.json).model)]
  return model === undefined ? given : { model, ...given }
}

/** An error of Azure's front, which knows nothing of Claude's form. */
function azureAnswer(dialect: Dialect, call: Call, status: number, code: string, message: string): Answer {
  return jsonAnswer(azureError(code, message), azureHeaders(dialect, call), status)
}

function azureHeaders(dialect: Dialect, call: Call): Record<string, string> {
  const { 'apim-request-id': id = '' } = dialect.headers(call)
  return { 'apim-request-id': id }
}

/** The id of a call in the form of Azure's, a UUID. */
function apimId({ id }: Call): string {
  const digits = Buffer.from(id).toString('hex').slice(-32).padStart(32, '0')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function isKnown(call: Call, { apiKeys, tokens }: FoundryOptions): boolean {
  const { headers } = call.request
  const key = headers['api-key'] ?? headers['x-api-key']
  if (key !== undefined) return apiKeys === undefined || apiKeys.includes(key)
  const token = bearerToken(call)
  return token !== undefined && isKnownToken(token, tokens)
}
