import type { ProviderProfile } from '@spillway/core-client'
import { deriveRequest, type ModelRequest, type ModelResponse } from '@spillway/middleware'
import { bodyOf, readBody, withDefaults } from '@spillway/middleware/kit'
import { pathOf } from '@spillway/wire'
import { framesToEvents, fromBedrockCounted, toBedrockBody, toBedrockCount } from '../forms/index.ts'
import { patchedBody } from '../forms/patched-body.ts'
import { type BedrockProfile, bareBedrockId, bedrockIds } from './bedrock-ids.ts'
import { apiVersion } from './dated-names.ts'
import { firstPartyHeaders, inFirstPartyError } from './first-party-answer.ts'
import { usualModel, venueDefaults } from './venue-defaults.ts'
import { type Prepared, type VenueForm, venueForm, withoutCallersClouds } from './venue-form.ts'

export interface BedrockOptions {
  /** Such as `us-east-1`. */
  readonly region: string
  /** Another address than the region's: a private link, a test. @default the region's */
  readonly url?: string | undefined
  /**
   * The inference profile by which models are called. @default that of the region's part of the world where there is one, else
   * `global`; none for Claude 3
   */
  readonly profile?: BedrockProfile | undefined
  /** Ids, profiles or ARNs by the first-party names of models, where the naming rules do not suffice. @default {} */
  readonly models?: Readonly<Record<string, string>> | undefined
  /** Betas that Bedrock takes by now, besides those that are known. @default [] */
  readonly betas?: readonly string[] | undefined
}

/** Betas that Bedrock has been seen to take; another one fails the call. */
const seenBetas: readonly string[] = [
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'token-efficient-tools-2025-02-19',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'dev-full-thinking-2025-05-14',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'compact-2026-01-12',
  'effort-2025-11-24',
  'tool-search-tool-2025-10-19',
  'tool-examples-2025-10-29',
]

/** Claude on Amazon Bedrock, by InvokeModel. The credential is a signer for the service `bedrock`, or an API key. */
export function bedrock(options: BedrockOptions): ProviderProfile {
  const { region, url, profile, models, betas } = withDefaults(venueDefaults, options)
  const form: VenueForm = {
    label: 'Amazon Bedrock',
    notTaken: {
      fields: ['container', 'mcp_servers', 'inference_geo'],
      hints: ['service_tier', 'fallbacks', 'speed'],
      serverTools: ['web_search_', 'web_fetch_', 'code_execution_', 'mcp_toolset', 'advisor_'],
      sources: ['url', 'file'],
    },
    betas: new Set([...seenBetas, ...betas]),
    ids: (model) =>
      Object.hasOwn(models, model) ? [models[model] as string] : bedrockIds(model, region, profile),
    write: writeBedrock,
    read: readBedrock,
  }
  return {
    name: 'bedrock',
    baseUrl: url ?? `https://bedrock-runtime.${region}.${domainOf(region)}`,
    headers: 'bedrock',
    model: usualModel,
    form: venueForm(form),
    path: (request) => (request.venue === 'bedrock' ? request.url : pathOf(request)),
  }
}

function domainOf(region: string): string {
  if (region.startsWith('cn-')) return 'amazonaws.com.cn'
  return region.startsWith('eusc-') ? 'amazonaws.eu' : 'amazonaws.com'
}

function writeBedrock({ request, body, id, betas }: Prepared): ModelRequest {
  const { headers: given, stream, operation, model } = request
  const counts = operation === 'count_tokens'
  const written = toBedrockBody(counts ? withLimit(body) : body, {
    version: apiVersion(model, given['anthropic-version'], 'bedrock-2023-05-31'),
    betas,
    userProfileId: given['anthropic-user-profile-id'],
  })
  const action = counts ? 'count-tokens' : stream ? 'invoke-with-response-stream' : 'invoke'
  const { accept: _, ...headers } = withoutCallersClouds(request)
  return deriveRequest(request, {
    venue: 'bedrock',
    model: id,
    body: counts ? toBedrockCount(written) : written,
    // Profiles of regions cannot count.
    url: `/model/${encodeURIComponent(counts ? bareBedrockId(id) : id)}/${action}`,
    headers: { ...headers, accept: stream ? 'application/vnd.amazon.eventstream' : 'application/json' },
  })
}

/** A limit of the answer, without which Bedrock counts nothing; it must be beyond a budget for thinking. */
function withLimit(body: Prepared['body']): Prepared['body'] {
  if (body.fields?.has('max_tokens')) return body
  return patchedBody(body, { max_tokens: 64_000 })
}

async function readBedrock(asked: ModelRequest, response: ModelResponse): Promise<ModelResponse> {
  if (response.failure !== undefined) return inFirstPartyError(asked, response)
  const headers = firstPartyHeaders(response.headers)
  if (asked.operation === 'count_tokens') {
    const answer = await readBody(response.body)
    const { 'content-length': _, ...others } = headers
    return { ...response, headers: others, body: bodyOf(fromBedrockCounted(answer) ?? answer) }
  }
  if (!asked.stream) return { ...response, headers }
  return {
    ...response,
    headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' },
    body: framesToEvents(response.body),
  }
}
