import { globMatcher } from '../glob.ts'
import type { Config, RateLimitConfig, TargetConfig } from './config.ts'
import type { ConfigProblem } from './config-error.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** What a file sets although it has no effect: routes that no call reaches, targets that no route uses, limits of nothing. */
export function idleSettings(config: Config, at: Locate): ConfigProblem[] {
  return [
    ...unreachableRoutes(config, at),
    ...unusedTargets(config, at),
    ...Object.entries(config.targets).flatMap(([name, target]) => idleLimits(name, target, at)),
  ]
}

/** The first route that matches serves a call, so one behind a wider one serves none. */
function unreachableRoutes({ routes }: Config, at: Locate): ConfigProblem[] {
  return routes.flatMap(({ models }, index) => {
    // A glob that matches another as it is written, stars included, matches whatever that one does.
    const wider = routes.slice(0, index).find((earlier) => globMatcher(earlier.models)(models))
    if (wider === undefined) return []
    const place = routes.indexOf(wider)
    const message = `no call reaches this route: ${glob(wider.models)} of routes[${place}] matches all that ${glob(models)} does; put this one before it`
    return [at(['routes', index, 'models'], message)]
  })
}

function unusedTargets({ routes, mirror = [], targets }: Config, at: Locate): ConfigProblem[] {
  const used = new Set([
    ...routes.flatMap(({ target, fallback }) => [target, ...fallback]),
    ...mirror.map(({ to }) => to),
  ])
  return Object.keys(targets).flatMap((name) =>
    used.has(name)
      ? []
      : [at(['targets', name], 'no route uses this target: name it as target or fallback in routes')],
  )
}

/** What bounds calls; the others of a rate limit say how these are kept. */
const bounds: readonly (keyof RateLimitConfig)[] = [
  'requestsPerMinute',
  'requestsPerSecond',
  'inputTokensPerMinute',
  'outputTokensPerMinute',
  'concurrency',
  'countRequestsPerMinute',
  'adaptiveConcurrency',
]

function idleLimits(name: string, target: TargetConfig, at: Locate): ConfigProblem[] {
  const found: ConfigProblem[] = []
  const idle = (why: string, ...key: string[]): void => void found.push(at(['targets', name, ...key], why))
  const { rateLimit = {}, timeouts, api } = target
  if (timeouts?.total !== undefined)
    idle('total is for the whole call, over all targets: set timeouts.total of the file', 'timeouts', 'total')
  if (api === 'embedded') {
    if (rateLimit.countCacheReads !== undefined)
      idle(
        'an embedded model has no prompt cache to read from; leave this out',
        'rateLimit',
        'countCacheReads',
      )
    if (target.includeUsage !== undefined)
      idle('an embedded model counts its tokens by itself; leave this out', 'includeUsage')
    return found
  }
  const set = Object.entries(rateLimit).filter(([, value]) => value !== undefined)
  // Those of the file bind where there is a key.
  const hasOwnBound = bounds.some((key) => rateLimit[key] !== undefined)
  const hasKey = target.endpoints?.some(({ credential }) => credential !== undefined)
  if (set.length > 0 && !hasOwnBound && !hasKey)
    idle('this limits nothing: set requestsPerMinute, concurrency or another bound', 'rateLimit')
  return found
}

const glob = (text: string): string => (/^[\w.*/-]{1,64}$/.test(text) ? `"${text}"` : 'the pattern')
