import { type Call, type Dialect, errorAnswer, jsonAnswer, type Route } from './answer.ts'

/** Default and maximum page size. */
const usualLimit = 20
const largestLimit = 1_000

/** A page of a list as Anthropic's APIs give it. */
export interface Page {
  readonly data: readonly object[]
  readonly has_more: boolean
  readonly first_id: string | null
  readonly last_id: string | null
}

/** What is wrong with the query of a list; undefined where nothing is. */
export function refusedQuery(query: URLSearchParams): string | undefined {
  for (const name of query.keys()) {
    if (!['limit', 'after_id', 'before_id', 'beta'].includes(name))
      return `${name}: Extra inputs are not permitted`
  }
  const limit = query.get('limit')
  if (limit !== null && (!/^\d+$/.test(limit) || Number(limit) < 1 || Number(limit) > largestLimit))
    return `limit: Input should be between 1 and ${largestLimit}`
  const isBoth = query.has('after_id') && query.has('before_id')
  return isBoth ? 'Only one of after_id and before_id may be given' : undefined
}

/** The page that a valid query asks for. */
export function pageOf<T extends { readonly id: string }>(all: readonly T[], query: URLSearchParams): Page {
  const limit = Number(query.get('limit') ?? usualLimit)
  const [after, before] = [query.get('after_id'), query.get('before_id')]
  const at = (id: string): number => all.findIndex((each) => each.id === id)
  const end = before === null ? all.length : Math.max(0, at(before))
  const start = after === null ? 0 : at(after) + 1
  const isBackwards = before !== null
  const data = isBackwards ? all.slice(Math.max(0, end - limit), end) : all.slice(start, start + limit)
  return {
    data,
    has_more: isBackwards ? end - limit > 0 : start + limit < all.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  }
}

/** The query of a call. */
export function queryOf(call: Call): URLSearchParams {
  return new URL(call.request.path, 'http://localhost').searchParams
}

/** A list of things, which is asked for by pages. */
export function listRoute<T extends { readonly id: string }>(
  dialect: Dialect,
  all: (call: Call) => readonly T[],
): Route {
  return {
    dialect,
    generates: false,
    answer(call) {
      const query = queryOf(call)
      const problem = refusedQuery(query)
      if (problem !== undefined) return errorAnswer(dialect, call, { status: 400, message: problem })
      return jsonAnswer(JSON.stringify(pageOf(all(call), query)), dialect.headers(call))
    },
  }
}

/** What the Models API says of the end of a model. A date of the past on a deprecated model means that it still answers. */
export interface ModelLifecycle {
  readonly lifecycle: 'active' | 'deprecated' | 'retired'
  readonly deprecated_at: string | null
  readonly retires_at: string | null
}

/** A model as the Models API tells of it. */
export function modelInfo(id: string): { readonly id: string } & Readonly<Record<string, unknown>> {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-10-01T00:00:00Z',
    lifecycle: 'active',
    deprecated_at: null,
    retires_at: null,
    max_input_tokens: 1_000_000,
    max_tokens: 128_000,
    capabilities: null,
    line: /opus|sonnet|haiku/.exec(id)?.[0] ?? null,
  }
}
