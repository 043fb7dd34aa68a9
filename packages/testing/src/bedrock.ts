import {
  type Call,
  errorAnswer,
  errorRoute,
  type Frame,
  fieldsOf,
  jsonAnswer,
  type Refusal,
  type Route,
} from './answer.ts'
import { messageBody, messageFrames } from './anthropic-message.ts'
import { bearerToken } from './anthropic-validation.ts'
import { type AwsAccess, awsHeaders, awsProblem } from './aws-access.ts'
import { bedrockDialect } from './bedrock-error.ts'
import { bedrockChunk } from './bedrock-frames.ts'
import { type BedrockModels, isProfile, modelBehind, profilesOf, unknownModel } from './bedrock-models.ts'
import { invalidRequest, isNewer, refusedBody } from './bedrock-rules.ts'
import { queryOf } from './claude-models.ts'
import { generatingRoute } from './generating-route.ts'
import { replyTo } from './messages-route.ts'
import type { Recording } from './recorded-request.ts'
import { type FullReply, promptTokens } from './reply.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'

/** Options of {@link startBedrock}. */
export interface BedrockOptions extends ServerOptions, Omit<AwsAccess, 'region'>, BedrockModels {
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
}

/**
 * Starts a server that speaks the Bedrock runtime's InvokeModel for Claude, whole (`/model/{id}/invoke`) and in frames
 * (`/model/{id}/invoke-with-response-stream`), its CountTokens (`/model/{id}/count-tokens`), and of the control plane
 * `/inference-profiles`.
 */
export function startBedrock(options: BedrockOptions = {}): Promise<SimulatedServer> {
  return startServer(bedrockSite(options), options)
}

const modelPath = /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream|count-tokens)(?=\?|$)/

function bedrockSite(options: BedrockOptions): Site {
  const dialect = bedrockDialect(
    (call) => awsHeaders(call, options),
    ({ request }) => {
      const id = modelPath.exec(request.path)?.[1] ?? ''
      return isNewer(modelBehind(decodeURIComponent(id), options))
    },
  )
  const notFound = errorRoute(dialect, {
    status: 404,
    type: 'UnknownOperationException',
    message: 'no such operation',
  })
  const answered = (body: (call: Call) => object | Refusal): Route => ({
    dialect,
    generates: false,
    answer(call) {
      const said = refusedKey(call, options) ?? body(call)
      if ('status' in said && typeof said.status === 'number')
        return errorAnswer(dialect, call, said as Refusal)
      return jsonAnswer(JSON.stringify(said), dialect.headers(call))
    },
  })
  const invoke = (model: string, isStream: boolean): Route =>
    generatingRoute({
      dialect,
      refuse: (call) =>
        refusedKey(call, options) ?? refusedModel(model, options) ?? refusedBody(call, model, options),
      plan: (call) => replyTo(call, options),
      whole: (call, reply) => messageBody(call, firstPartyName(model, options), reply, { pings: false }),
      frames: (call, reply) => framesOf(call, firstPartyName(model, options), reply),
      isStream: () => isStream,
      streamHeaders: { 'x-amzn-bedrock-content-type': 'application/json' },
    })
  return {
    bodyLimit: 20 * 1024 * 1024,
    route(method, pathname) {
      const [, id, action] = modelPath.exec(pathname) ?? []
      if (method === 'POST' && id !== undefined) {
        const model = decodeURIComponent(id)
        if (action === 'count-tokens') return answered((call) => counted(call, model, options))
        return invoke(model, action !== 'invoke')
      }
      const [, profile] = /^\/inference-profiles(?:\/(.+))?$/.exec(pathname) ?? [undefined, null]
      if (method !== 'GET' || profile === null) return notFound
      return answered((call) => profileAnswer(call, profile, options))
    },
  }
}

/** The answer of CountTokens, which takes models alone, no profiles. */
function counted(call: Call, model: string, options: BedrockOptions): object | Refusal {
  const unknown = unknownModel(model, { ...options, profileOnly: [] })
  if (unknown !== undefined) return invalidRequest(unknown)
  if (isProfile(model, options) || options.uncountedModels?.includes(model))
    return invalidRequest("The provided model doesn't support counting tokens.")
  const { invokeModel } = fieldsOf(fieldsOf(call.request.json).input)
  const { body } = fieldsOf(invokeModel)
  const json = typeof body === 'string' ? parsed(Buffer.from(body, 'base64').toString()) : undefined
  if (json === undefined) return invalidRequest()
  const inner = { ...call.request, json } as unknown as Recording
  return refusedBody({ ...call, request: inner }, model, options) ?? { inputTokens: promptTokens(json) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A page of all profiles, or one of them. */
function profileAnswer(call: Call, id: string | undefined, options: BedrockOptions): object | Refusal {
  const all = profilesOf(options)
  if (id === undefined) {
    const type = queryOf(call).get('type') ?? queryOf(call).get('typeEquals')
    return { inferenceProfileSummaries: all.filter((each) => type === null || each.type === type) }
  }
  const wanted = decodeURIComponent(id)
  const found = all.find((each) => each.inferenceProfileId === wanted || each.inferenceProfileArn === wanted)
  return (
    found ?? {
      status: 404,
      type: 'ResourceNotFoundException',
      message: 'The inference profile was not found.',
    }
  )
}

/** The answer names the model by its first-party name. */
function firstPartyName(model: string, options: BedrockOptions): string {
  return modelBehind(model, options).replace(/^anthropic\./, '')
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

function refusedModel(model: string, options: BedrockOptions): Refusal | undefined {
  const message = unknownModel(model, options)
  return message === undefined ? undefined : invalidRequest(message)
}
