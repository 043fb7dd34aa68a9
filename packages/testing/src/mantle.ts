import { type Call, fieldsOf, type Refusal } from './answer.ts'
import { type AwsAccess, awsHeaders, refusedByAws } from './aws-access.ts'
import { claudeSite } from './claude-site.ts'
import { refusedByCloud } from './cloud-rules.ts'
import { type ServerOptions, type SimulatedServer, startServer } from './simulated-server.ts'

/** Options of {@link startMantle}. */
export interface MantleOptions extends ServerOptions, AwsAccess {
  /** The models that exist, by their bare ids: `anthropic.claude-opus-5`. @default any whose id begins with `anthropic.` */
  readonly models?: readonly string[]
  /** Refuses what Claude refuses of a conversation; see `ClaudeOptions`. @default false */
  readonly checkRules?: boolean
}

/**
 * Starts a server that speaks Claude's first-party messages as Bedrock Mantle has them: `/anthropic/v1/messages` and
 * `/anthropic/v1/messages/count_tokens`, for signatures of the service `bedrock-mantle` and Bedrock API keys.
 */
export function startMantle(options: MantleOptions = {}): Promise<SimulatedServer> {
  const site = claudeSite(options, {
    prefix: /^\/anthropic(?=\/)/,
    messagesOnly: true,
    rateLimitHeaders: false,
    headers: (call) => awsHeaders(call, options),
    refused: (call, dialect) => refusedByAws(call, dialect, 'bedrock-mantle', options),
    refusedRequest: refusedByMantle,
    unknownModel: notThere,
  })
  return startServer(site, options)
}

const notThere = (model: string): Refusal => ({
  status: 404,
  message: `The model '${model}' does not exist`,
})

/** What Mantle does not take (platform docs, Claude in Amazon Bedrock). */
const limits = {
  fields: ['fallbacks', 'container', 'mcp_servers', 'inference_geo', 'output_format'],
  tools: ['web_search_', 'web_fetch_', 'code_execution_', 'mcp_toolset'],
}

function refusedByMantle({ request }: Call): Refusal | undefined {
  const body = fieldsOf(request.json)
  // Profiles of regions (`us.`, `global.`) belong to InvokeModel alone.
  if (!String(body.model).startsWith('anthropic.')) return notThere(String(body.model))
  const refused =
    refusedByCloud(body, limits) ??
    ('format' in fieldsOf(body.output_config)
      ? 'output_config.format: Extra inputs are not permitted'
      : undefined)
  return refused === undefined ? undefined : { status: 400, message: refused }
}
