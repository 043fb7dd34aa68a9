import { type Call, errorRoute, type Frame, fieldsOf, type Refusal } from './answer.ts'
import { messageBody, messageFrames } from './anthropic-message.ts'
import { bearerToken, refusedMessages } from './anthropic-validation.ts'
import { type AwsAccess, awsHeaders, awsProblem } from './aws-access.ts'
import { bedrockDialect } from './bedrock-error.ts'
import { bedrockChunk } from './bedrock-frames.ts'
import { refusedByRules } from './claude-rules.ts'
import { firstPartyCall } from './first-party-call.ts'
import { generatingRoute } from './generating-route.ts'
import { replyTo } from './messages-route.ts'
import type { FullReply } from './reply.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'

/** Options of {@link startBedrock}. */
export interface BedrockOptions extends ServerOptions, AwsAccess {
  /** The ids of models and profiles that exist. @default any */
  readonly models?: readonly string[]
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
}

/** The versions of the API that Bedrock takes, in the body. */
const versions: readonly unknown[] = ['bedrock-2023-05-31', '2026-10-21']

/** Fields of the first-party API that Bedrock refuses. */
const notTaken = [
  'model',
  'stream',
  'metadata',
  'service_tier',
  'container',
  'mcp_servers',
  'fallbacks',
  'inference_geo',
]

/**
 * Starts a server that speaks the Bedrock runtime's InvokeModel for Claude, whole (`/model/{id}/invoke`) and in frames
 * (`/model/{id}/invoke-with-response-stream`).
 */
export function startBedrock(options: BedrockOptions = {}): Promise<SimulatedServer> {
  return startServer(bedrockSite(options), options)
}

function bedrockSite(options: BedrockOptions): Site {
  const dialect = bedrockDialect((call) => awsHeaders(call, options))
  const notFound = errorRoute(dialect, {
    status: 404,
    type: 'UnknownOperationException',
    message: 'no such operation',
  })
  return {
    bodyLimit: 20 * 1024 * 1024,
    route(method, pathname) {
      const [, id, action] = /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream)$/.exec(pathname) ?? []
      if (method !== 'POST' || id === undefined) return notFound
      const model = decodeURIComponent(id)
      return generatingRoute({
        dialect,
        refuse: (call) =>
          refusedKey(call, options) ?? refusedModel(model, options) ?? refusedBody(call, model, options),
        plan: (call) => replyTo(call, options),
        whole: (call, reply) => messageBody(call, firstPartyName(model), reply, { pings: false }),
        frames: (call, reply) => framesOf(call, firstPartyName(model), reply),
        isStream: () => action !== 'invoke',
        streamHeaders: { 'x-amzn-bedrock-content-type': 'application/json' },
      })
    },
  }
}

/** The answer names the model by its first-party name. */
function firstPartyName(model: string): string {
  return model.replace(/^(?:[a-z-]+\.)?anthropic\./, '')
}

function framesOf(call: Call, model: string, reply: FullReply): Frame[] {
  return messageFrames(call, model, reply, { pings: false }).map(({ text, content }) => {
    const json = String(text).slice(String(text).indexOf('{')).trimEnd()
    const opens = json.startsWith('{"type":"content_block_start"')
    return { text: bedrockChunk(withMetrics(json, reply.usage)), content, opens }
  })
}

/** The last event says once more what was used. */
function withMetrics(
  json: string,
  usage: { readonly inputTokens: number; readonly outputTokens: number },
): string {
  if (!json.startsWith('{"type":"message_stop"')) return json
  const metrics = { inputTokenCount: usage.inputTokens, outputTokenCount: usage.outputTokens }
  return JSON.stringify({ ...JSON.parse(json), 'amazon-bedrock-invocationMetrics': metrics })
}

function refusedKey(call: Call, options: BedrockOptions): Refusal | undefined {
  const problem = awsProblem(call, 'bedrock', options, bearerToken(call))
  return problem && { status: 403, ...problem }
}

function refusedModel(model: string, { models }: BedrockOptions): Refusal | undefined {
  if (models === undefined || models.includes(model)) return undefined
  return { status: 400, message: 'The provided model identifier is invalid.' }
}

function refusedBody(call: Call, model: string, { checkRules }: BedrockOptions): Refusal | undefined {
  const body = fieldsOf(call.request.json)
  const bad = (message: string): Refusal => ({ status: 400, message })
  const extra = notTaken.find((name) => name in body)
  if (extra !== undefined) {
    return bad(
      `Malformed input request: #: extraneous key [${extra}] is not permitted, please reformat your input and try again.`,
    )
  }
  if (body.anthropic_version === undefined) return bad('anthropic_version: Field required')
  if (!versions.includes(body.anthropic_version))
    return bad(`anthropic_version: "${body.anthropic_version}" is not supported`)
  const betas = body.anthropic_beta
  if (betas !== undefined && !Array.isArray(betas)) return bad('anthropic_beta: Input should be a valid list')
  // What is left is Claude's own.
  const own = firstPartyCall(call, model, ['anthropic_beta'])
  return refusedMessages(own, 'generate') ?? (checkRules ? refusedByRules(own) : undefined)
}
