import type { ResponseHeaders } from '@spillway/middleware/kit'

/** The same headers where none of them is dropped, else a copy with the others. `drop` is given names in lower case. */
export function omitHeaders(headers: ResponseHeaders, drop: (name: string) => boolean): ResponseHeaders {
  for (const name in headers) {
    if (!drop(name)) continue
    const kept: Record<string, string | readonly string[]> = {}
    for (const each in headers) if (!drop(each)) kept[each] = headers[each] as string | readonly string[]
    return kept
  }
  return headers
}
