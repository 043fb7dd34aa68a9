import type { TimeRange } from '@spillway/gateway-api'
import { place } from '../place.ts'
import { before } from '../routing.ts'
import { apiPath } from './read-api.ts'
import { useResource } from './use-resource.ts'

/**
 * The answer of the period before, while it is compared; else, and where it cannot be had, undefined.
 * @param shown the period of the answer that is shown, by the clock of the gateway
 */
export function useEarlier<T>(
  name: string,
  shown: TimeRange | undefined,
  parameters: Readonly<Record<string, string>> = {},
): T | undefined {
  const isCompared = place.value.search.compare === 'before' && shown !== undefined
  const { from, to } = shown === undefined ? { from: 0, to: 0 } : before(shown)
  const path = apiPath(name, { ...parameters, from: String(from), to: String(to) })
  const { data, loading, problem } = useResource<T>(isCompared ? path : undefined)
  return isCompared && !loading && problem === undefined ? data : undefined
}
