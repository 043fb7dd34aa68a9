import type { ClientOptions, ProviderProfile } from '@spillway/core-client'
import { deriveRequest, type Middleware, named, stack, useModel } from '@spillway/middleware'
import { bedrock, bedrockMantle, claudeOnAws, claudeOnGoogle, foundry, vertex } from '@spillway/venues'
import type { EndpointConfig, TargetConfig } from '../config/config.ts'
import { isVenue, type VenueApi } from '../config/venue-config.ts'
import { withoutForeignSpillway } from '../foreign-headers.ts'

/** The ids that models have at an endpoint, by the names that calls use. What its name says goes before what its api says. */
export function modelsAt(
  { api, models = {} }: TargetConfig,
  endpoint: EndpointConfig,
): Record<string, string> {
  const ids = Object.entries(models).flatMap(([model, byEndpoint]) => {
    const id = byEndpoint[endpoint.name ?? ''] ?? byEndpoint[endpoint.api ?? api]
    return id === undefined ? [] : [[model, id] as const]
  })
  return Object.fromEntries(ids)
}

type Models = Readonly<Record<string, string>>

/** Each venue by its settings, which `problemsOfVenues` has found to be there. */
const profiles: Readonly<
  Record<VenueApi, (at: Required<EndpointConfig>, models: Models) => ProviderProfile>
> = {
  bedrock: ({ region, url }, models) => bedrock({ region: region as string, url, models }),
  'bedrock-mantle': ({ region, url }, models) => bedrockMantle({ region: region as string, url, models }),
  'claude-aws': ({ region, workspace, url }, models) =>
    claudeOnAws({ region: region as string, workspace: workspace as string, url, models }),
  'claude-google': ({ project, location, workspace, url }, models) =>
    claudeOnGoogle({
      ...{ project: project as string, location: location as string, workspace: workspace as string },
      ...{ url, models },
    }),
  vertex: ({ project, region, url }, models) =>
    vertex({ project: project as string, region: region as string, url, models }),
  foundry: ({ resource, url }, models) => foundry({ resource: resource ?? '', url, models }),
}

/** The base URL of an endpoint: its own, or that of its cloud. */
export function addressOf(endpoint: EndpointConfig): string {
  const { api, url = '' } = endpoint
  return isVenue(api) ? profiles[api](endpoint as Required<EndpointConfig>, {}).baseUrl : url
}

/** Whose endpoint it is, and how it is called: what a client needs to know of it. */
export function providerOf(
  target: TargetConfig,
  endpoint: EndpointConfig,
): Pick<ClientOptions, 'provider' | 'baseUrl'> {
  const { api, headers = {} } = endpoint
  if (!isVenue(api)) {
    const provider = api ?? (target.api as Exclude<TargetConfig['api'], 'embedded'>)
    return { provider, ...(endpoint.url !== undefined && { baseUrl: endpoint.url }) }
  }
  const profile = profiles[api](endpoint as Required<EndpointConfig>, modelsAt(target, endpoint))
  const inside = [withoutForeignSpillway, ...fixedHeaders(headers)]
  const form = profile.form === undefined ? stack(...inside) : stack(profile.form, ...inside)
  return { provider: { ...profile, form } }
}

/** What a call to an endpoint that takes first-party calls has besides: other ids of models, and fixed headers. */
export function ownWords(target: TargetConfig, endpoint: EndpointConfig): Middleware[] {
  if (isVenue(endpoint.api)) return []
  const ids = modelsAt(target, endpoint)
  const renaming: Middleware = (next) => {
    const renamed = new Map(Object.entries(ids).map(([name, id]) => [name, useModel(id)(next)]))
    return (request) => (renamed.get(request.model) ?? next)(request)
  }
  const isRenamed = Object.keys(ids).length > 0
  return [
    ...(isRenamed ? [named(renaming, 'models of the endpoint')] : []),
    ...fixedHeaders(endpoint.headers),
  ]
}

function fixedHeaders(headers: EndpointConfig['headers'] = {}): Middleware[] {
  const added = lowerCase(headers)
  if (Object.keys(added).length === 0) return []
  const adding: Middleware = (next) => (request) =>
    next(deriveRequest(request, { headers: { ...request.headers, ...added } }))
  return [named(adding, 'headers', { options: { names: Object.keys(added).join(', ') } })]
}

export const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** Headers that requests have which are no model calls, such as lists of models. */
export function plainHeaders({ api, workspace, headers = {} }: EndpointConfig): Record<string, string> {
  const ofVenue =
    api === 'claude-aws' && workspace !== undefined ? { 'anthropic-workspace-id': workspace } : {}
  return { ...ofVenue, ...lowerCase(headers) }
}
