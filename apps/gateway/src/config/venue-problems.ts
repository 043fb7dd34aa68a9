import type { Config, EndpointConfig, TargetConfig } from './config.ts'
import type { ConfigProblem } from './config-error.ts'
import { cloudOf, isVenue, type VenueKey, venueApis, venueFacts } from './venue-config.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

const venueKeys: readonly VenueKey[] = ['region', 'location', 'project', 'workspace', 'resource']

/** What does not go together of the places where Claude is bought. */
export function problemsOfVenues({ targets }: Config, at: Locate): ConfigProblem[] {
  return Object.entries(targets).flatMap(([name, target]) => [
    ...(target.endpoints ?? []).flatMap((endpoint, index) =>
      problemsOf(target, endpoint).map(([key, message]) =>
        at(['targets', name, 'endpoints', index, ...(key === '' ? [] : [key])], message),
      ),
    ),
    ...problemsOfModels(name, target, at),
  ])
}

/** A key of the endpoint, empty for the endpoint itself, and what is wrong. */
type Problem = readonly [key: string, message: string]

function problemsOf(target: TargetConfig, endpoint: EndpointConfig): Problem[] {
  const { api, url } = endpoint
  if (api !== undefined && target.api !== 'anthropic') {
    return [
      [
        'api',
        `an endpoint has its own api in a target with api: anthropic; this one is api: ${target.api}, make another target of it`,
      ],
    ]
  }
  return isVenue(api)
    ? [...missingKeys(endpoint), ...foreignKeys(endpoint), ...problemsOfCredential(endpoint)]
    : [
        ...(url === undefined
          ? [['', `url is missing: expected the base URL of the endpoint${mayBeVenue(endpoint)}`] as const]
          : []),
        ...foreignKeys(endpoint),
        ...problemsOfCredential(endpoint),
      ]
}

/** Whoever names a region means a cloud. */
function mayBeVenue(endpoint: EndpointConfig): string {
  const isPlaced = venueKeys.some((key) => endpoint[key] !== undefined)
  return isPlaced ? `, or api: one of ${venueApis.join(', ')}` : ''
}

function missingKeys(endpoint: EndpointConfig): Problem[] {
  const { api, url } = endpoint
  if (!isVenue(api)) return []
  const { keys, orUrl, example, label } = venueFacts[api]
  if (orUrl && url !== undefined) return []
  const missing = keys.filter((key) => endpoint[key] === undefined)
  if (missing.length === 0) return []
  const what = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`
  return [['', `${what}: ${label} needs { api: ${api}, ${example} }`]]
}

function foreignKeys(endpoint: EndpointConfig): Problem[] {
  const { api } = endpoint
  const own = isVenue(api) ? venueFacts[api].keys : []
  return venueKeys
    .filter((key) => endpoint[key] !== undefined && !own.includes(key))
    .map((key): Problem => {
      const users = venueApis.filter((venue) => venueFacts[venue].keys.includes(key))
      return [
        key,
        `this is for api: ${users.join(', ')}; leave it out${api === undefined ? ', or set api' : ''}`,
      ]
    })
}

function problemsOfCredential({ api, credential, auth }: EndpointConfig): Problem[] {
  const cloud = cloudOf(credential)
  if (cloud === undefined) return []
  const own = isVenue(api) ? venueFacts[api].cloud : undefined
  if (own === cloud) {
    if (auth === undefined) return []
    return [
      [
        'auth',
        `credential: ${cloud} is sent as ${cloud === 'aws' ? 'a signature' : 'a bearer token'}; leave this out`,
      ],
    ]
  }
  const instead = own === undefined ? 'env:NAME or vault:NAME' : `${own}, env:NAME or vault:NAME`
  const where = venueApis.filter((venue) => venueFacts[venue].cloud === cloud).join(', ')
  return [['credential', `${cloud} is for api: ${where}; here it is ${instead}`]]
}

function problemsOfModels(
  name: string,
  { api, endpoints = [], models = {} }: TargetConfig,
  at: Locate,
): ConfigProblem[] {
  const names = endpoints.map((endpoint, index) => endpoint.name ?? String(index + 1))
  const apis: readonly string[] = endpoints.map((endpoint) => endpoint.api ?? api)
  return Object.entries(models).flatMap(([model, ids]) =>
    Object.keys(ids)
      // An endpoint may be gone for a while.
      .filter((key) => !names.includes(key) && !apis.includes(key) && !isVenue(key) && key !== api)
      .map((key) => {
        const known = [...new Set([...names, ...apis])].join(', ')
        return at(
          ['targets', name, 'models', model, key],
          `no endpoint has this name or api; there are ${known || 'none'}`,
        )
      }),
  )
}

/** What works, but surely not as it was meant. */
export function warningsOfVenues({ targets }: Config, at: Locate): ConfigProblem[] {
  return Object.entries(targets).flatMap(([name, { endpoints = [] }]) =>
    endpoints.flatMap(({ api, credential }, index) => {
      if (!isVenue(api) || (credential !== undefined && credential !== 'caller')) return []
      const { cloud } = venueFacts[api]
      if (credential === 'caller') {
        const message = `caller: calls that are signed, and those in a cloud's own form, are refused, since what they present cannot be passed on; use ${cloud}, env:NAME or vault:NAME for them`
        return [at(['targets', name, 'endpoints', index, 'credential'], message)]
      }
      const message = `no credential: requests go out without a key; use ${cloud}, env:NAME or vault:NAME`
      return [at(['targets', name, 'endpoints', index], message)]
    }),
  )
}
