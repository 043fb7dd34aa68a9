import { useEffect, useState } from 'preact/hooks'
import { apiPath } from './read-api.ts'
import { type Resource, useResource } from './use-resource.ts'

/** One page of a list at a time, newest first. */
export interface Pages<T> extends Resource<T> {
  /** 1 for the newest. */
  readonly page: number
  /** Undefined where there is no such page. */
  readonly older: (() => void) | undefined
  readonly newer: (() => void) | undefined
}

/** How many rows a page has: few enough for any browser to lay out at once. */
export const pageSize = 50

/** Pages of `api/NAME`; other filters begin at the newest again. */
export function usePages<T extends { readonly next?: string | undefined }>(
  name: string,
  filters: Readonly<Record<string, string | undefined>>,
): Pages<T> {
  const [cursors, setCursors] = useState<readonly string[]>([])
  const filterKey = JSON.stringify(filters)
  // Other filters are the reason to begin again.
  useEffect(() => setCursors([]), [filterKey])
  const resource = useResource<T>(
    apiPath(name, { limit: String(pageSize), before: cursors.at(-1), ...filters }),
  )
  const next = resource.loading ? undefined : resource.data?.next
  return {
    ...resource,
    page: cursors.length + 1,
    older: next === undefined ? undefined : () => setCursors([...cursors, next]),
    newer: cursors.length === 0 ? undefined : () => setCursors(cursors.slice(0, -1)),
  }
}
