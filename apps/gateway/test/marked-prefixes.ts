import type { JsonObject } from '@spillway/middleware/kit'
import { expect } from 'vitest'

/** Each request has a mark where the one before has written into Claude's cache last, and no more than Claude takes. */
export function expectCacheFound(requests: readonly { readonly json: unknown }[]): void {
  const written = requests.map(({ json }) => markedPrefixes(json as JsonObject))
  for (const [turn, prefixes] of written.entries()) {
    expect(prefixes.length).toBeLessThanOrEqual(4)
    if (turn > 0) expect(prefixes).toContain(written[turn - 1]?.at(-1))
  }
}

/** What stands before each mark of a request, in the order in which Claude reads: tools, instructions, messages. */
function markedPrefixes({ tools, system, messages }: JsonObject): string[] {
  // A plain text is short for one block.
  const blocksOf = (content: unknown): JsonObject[] =>
    typeof content === 'string' ? [{ type: 'text', text: content }] : ((content ?? []) as JsonObject[])
  const turns = (messages as JsonObject[]).flatMap(({ role, content }) => [{ role }, ...blocksOf(content)])
  const blocks = [...blocksOf(tools), ...blocksOf(system), ...turns] as (JsonObject & {
    cache_control?: unknown
  })[]
  const prefixes: string[] = []
  let read = ''
  for (const { cache_control, ...block } of blocks) {
    read += JSON.stringify(block)
    if (cache_control !== undefined) prefixes.push(read)
  }
  return prefixes
}
