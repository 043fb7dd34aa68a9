import {
  type Call,
  type Dialect,
  errorRoute,
  type Frame,
  fieldsOf,
  type Refusal,
  type WireError,
} from './answer.ts'
import { messageBody, messageFrames } from './anthropic-message.ts'
import { bearerToken, refusedMessages } from './anthropic-validation.ts'
import { bedrockChunk, bedrockException } from './bedrock-frames.ts'
import { refusedByRules } from './claude-rules.ts'
import { firstPartyCall } from './first-party-call.ts'
import { generatingRoute } from './generating-route.ts'
import { replyTo } from './messages-route.ts'
import type { FullReply } from './reply.ts'
import { type AwsIdentity, signatureProblem } from './signature-v4.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'

/** Options of {@link startBedrock}. */
export interface BedrockOptions extends ServerOptions {
  /** The Bedrock API keys that are let in as Bearer tokens. @default any key */
  readonly apiKeys?: readonly string[]
  /** Who may sign; each signature is computed again. @default any signature, which is not looked at */
  readonly identities?: readonly AwsIdentity[]
  /** The ids of models and profiles that exist. @default any */
  readonly models?: readonly string[]
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
}

/** Exceptions and their usual words by status (Bedrock runtime, API reference). */
const exceptions: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['ValidationException', 'Malformed input request, please reformat your input and try again.'],
  403: ['AccessDeniedException', "You don't have access to the model with the specified model ID."],
  404: ['ResourceNotFoundException', 'The specified model was not found.'],
  408: ['ModelTimeoutException', 'Model has timed out in processing the request.'],
  424: ['ModelErrorException', 'The system encountered an unexpected error during processing.'],
  429: ['ThrottlingException', 'Too many requests, please wait before trying again.'],
  500: ['InternalServerException', 'The system encountered an unexpected error during processing.'],
  503: ['ServiceUnavailableException', 'Bedrock is unable to process your request.'],
}

const exceptionOf = ({ status, type, message }: WireError): { type: string; message: string } => {
  const [usualType, usualMessage] = exceptions[status ?? 500] ?? [
    'InternalServerException',
    `Status ${status}`,
  ]
  return { type: type ?? usualType, message: message ?? usualMessage }
}

const dialect: Dialect = {
  streamType: 'application/vnd.amazon.eventstream',
  ping: undefined,
  headers: ({ id }) => ({ 'x-amzn-requestid': id }),
  errorHeaders: (error) => ({ 'x-amzn-errortype': `${exceptionOf(error).type}:http://internal.amazon.com/` }),
  errorBody: (error) => JSON.stringify({ message: exceptionOf(error).message }),
  errorIn200: (error) => JSON.stringify({ message: exceptionOf(error).message }),
  errorFrame({ type = 'modelStreamErrorException', message = 'The model failed while it was answering.' }) {
    return bedrockException(type, message)
  },
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

function refusedKey(call: Call, { apiKeys, identities }: BedrockOptions): Refusal | undefined {
  const key = bearerToken(call)
  if (key !== undefined) {
    if (apiKeys === undefined || apiKeys.includes(key)) return undefined
    return { status: 403, message: 'Authentication failed: Please make sure your API Key is valid.' }
  }
  const { method, path, headers, body } = call.request
  if (!/^AWS4-HMAC-SHA256 /.test(headers.authorization ?? '')) {
    return {
      status: 403,
      type: 'MissingAuthenticationTokenException',
      message: 'Missing Authentication Token',
    }
  }
  if (identities === undefined) return undefined
  // Each part of a path is encoded once more in what is signed.
  const signed = path.replace(/[^/]+/g, (part) => encodeURIComponent(part))
  const request = { method, path: signed, headers, body: Buffer.from(body) } as Parameters<
    typeof signatureProblem
  >[0]
  const problem = signatureProblem(request, 'bedrock', identities, Date.now())
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
