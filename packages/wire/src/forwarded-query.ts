import { queryOf } from './operations.ts'

/** The last word of a parameter's name that may hold a credential: `key`, `api_key`, `X-Amz-Security-Token`. */
const secretName =
  /(?:^|[^a-z0-9])(?:api|access)?(?:key|token|secret|auth|authorization|password|passwd|pwd|credentials?|sig|signature|jwt|code)\]?$/i

/**
 * The query of a call for an upstream, with its `?`: as it is, less the parameters that may hold a credential of the
 * caller's. Empty when nothing is left.
 */
export function forwardedQuery(url: string): string {
  const query = queryOf(url)
  if (query === '' || !query.includes('=')) return query
  const parameters = query.slice(1).split('&')
  const kept = parameters.filter((parameter) => !secretName.test(nameOf(parameter)))
  if (kept.length === parameters.length) return query
  return kept.length === 0 ? '' : `?${kept.join('&')}`
}

function nameOf(parameter: string): string {
  const name = (parameter.split('=', 1)[0] as string).replaceAll('+', ' ')
  try {
    return withoutHumps(decodeURIComponent(name).trim())
  } catch {
    return name
  }
}

/** `clientSecret` ends in a word too. */
const withoutHumps = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2')
