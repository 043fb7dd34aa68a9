import { useEffect, useState } from 'preact/hooks'
import { place } from '../place.ts'
import { before } from '../routing.ts'
import { apiPath, readApi } from './read-api.ts'

/** The answer of the period before, while it is compared; else, and where it cannot be had, undefined. */
export function useEarlier<T>(
  name: string,
  parameters: Readonly<Record<string, string>> = {},
): T | undefined {
  const { range, span, search } = place.value
  const isCompared = search.compare === 'before'
  const [known, setKnown] = useState<{ readonly path: string; readonly data: T }>()
  const { from, to } = before({ range, span }, Date.now())
  const path = apiPath(name, { ...parameters, from: String(from), to: String(to) })
  useEffect(() => {
    if (!isCompared) return
    const leaving = new AbortController()
    readApi<T>(path, leaving.signal).then(
      (data) => setKnown({ path, data }),
      () => {},
    )
    return () => leaving.abort()
  }, [isCompared, path])
  return isCompared && known?.path === path ? known.data : undefined
}
