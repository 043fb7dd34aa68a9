import type { ProviderProfile } from '@spillway/core-client'
import { deriveRequest, type ModelRequest, type ModelResponse } from '@spillway/middleware'
import { withDefaults } from '@spillway/middleware/kit'
import { pathOf } from '@spillway/wire'
import { toVertexBody, withBetas } from '../forms/index.ts'
import { apiVersion } from './dated-names.ts'
import { firstPartyHeaders, inFirstPartyError } from './first-party-answer.ts'
import { usualModel, venueDefaults } from './venue-defaults.ts'
import { type Prepared, type VenueForm, venueForm, withoutCallersClouds } from './venue-form.ts'
import { vertexId } from './vertex-ids.ts'

export interface VertexOptions {
  /** The id of the project that is billed. */
  readonly project: string
  /** `global`, `us`, `eu`, or one region such as `us-east5`. */
  readonly region: string
  /** Another address than the region's. @default the region's */
  readonly url?: string | undefined
  /** The project whose quota is used, where it is another one: sent as `x-goog-user-project`. @default undefined */
  readonly quotaProject?: string | undefined
  /** Ids by the first-party names of models, where the naming rules do not suffice. @default {} */
  readonly models?: Readonly<Record<string, string>> | undefined
}

/** Claude on Vertex AI. The credential is a source of Google's access tokens. */
export function vertex(options: VertexOptions): ProviderProfile {
  const { project, region, url, quotaProject, models } = withDefaults(venueDefaults, options)
  const place = `/v1/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(region)}/publishers/anthropic/models`
  const form: VenueForm = {
    label: 'Vertex AI',
    notTaken: {
      fields: ['container', 'mcp_servers', 'inference_geo'],
      hints: ['service_tier', 'fallbacks', 'speed'],
      serverTools: ['web_fetch_', 'code_execution_', 'mcp_toolset', 'advisor_'],
      sources: ['url', 'file'],
    },
    ids: (model) => [Object.hasOwn(models, model) ? (models[model] as string) : vertexId(model)],
    write: (call) => writeVertex(call, place, quotaProject),
    read: readVertex,
  }
  return {
    name: 'vertex',
    baseUrl: url ?? hostOf(region),
    headers: 'vertex',
    model: usualModel,
    form: venueForm(form),
    path: (request) => (request.venue === 'vertex' ? request.url : pathOf(request)),
  }
}

function hostOf(region: string): string {
  if (region === 'global') return 'https://aiplatform.googleapis.com'
  if (region === 'us' || region === 'eu') return `https://aiplatform.${region}.rep.googleapis.com`
  return `https://${region}-aiplatform.googleapis.com`
}

function writeVertex(
  { request, body, id, betas }: Prepared,
  place: string,
  quotaProject: string | undefined,
): ModelRequest {
  const { operation, stream, model } = request
  const { 'anthropic-version': asked, ...given } = withoutCallersClouds(request)
  const counts = operation === 'count_tokens'
  const version = apiVersion(model, asked, 'vertex-2023-10-16')
  const action = stream ? 'streamRawPredict' : 'rawPredict'
  const path = counts
    ? 'count-tokens:rawPredict'
    : `${encodeURIComponent(id).replaceAll('%40', '@')}:${action}`
  return deriveRequest(request, {
    venue: 'vertex',
    model: id,
    // Counting takes no such suffix.
    body: toVertexBody(body, { version, model: counts ? id.replace(/@default$/, '') : undefined }),
    url: `${place}/${path}`,
    headers: {
      ...withBetas(given, betas),
      ...(quotaProject !== undefined && { 'x-goog-user-project': quotaProject }),
    },
  })
}

function readVertex(asked: ModelRequest, response: ModelResponse): ModelResponse | Promise<ModelResponse> {
  if (response.failure !== undefined) return inFirstPartyError(asked, response)
  return { ...response, headers: firstPartyHeaders(response.headers) }
}
