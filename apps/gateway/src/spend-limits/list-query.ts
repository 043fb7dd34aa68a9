import { type CapPeriod, capPeriods } from './caps.ts'

const largest = 1_000

/** A whole number from 1 to 1000 of a query. @returns undefined where it is none */
export function limitOf(query: URLSearchParams, usual: number): number | undefined {
  const text = query.get('limit')
  if (text === null) return usual
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= largest ? limit : undefined
}

export const limitProblem: string = `limit: must be between 1 and ${largest}`

/** What `GET …/effective` asks for. */
export interface EffectiveQuery {
  readonly limit: number
  readonly periods: readonly CapPeriod[]
  /** Undefined: all. */
  readonly names: readonly string[] | undefined
  readonly text: string | undefined
  readonly bySpend: boolean
  /** The last name of the page before. */
  readonly after: string | undefined
}

/** @returns what is wrong, beginning with the parameter */
export function readEffectiveQuery(query: URLSearchParams): EffectiveQuery | string {
  const limit = limitOf(query, 20)
  if (limit === undefined) return limitProblem
  const asked = listOf(query, 'period')
  if (asked.some((each) => !capPeriods.includes(each as CapPeriod)))
    return `period[]: must be one of ${capPeriods.join(', ')}`
  const periods = asked.length === 0 ? capPeriods : (asked as CapPeriod[])
  const names = listOf(query, 'user_ids')
  if (names.length > 100) return 'user_ids[]: at most 100 entries per request'
  const text = query.get('q') ?? undefined
  if (text !== undefined && text.length > 256) return 'q: too long'
  const sort = query.get('sort')
  if (sort !== null && sort !== 'spend_desc') return 'sort: must be spend_desc'
  if (sort !== null && periods.length !== 1) return 'sort=spend_desc requires exactly one period[]'
  const page = query.get('page')
  const after = page === null ? undefined : afterPage(page)
  if (page !== null && after === undefined) return 'page: invalid page token'
  return {
    ...{ limit, periods, text, after, bySpend: sort !== null },
    names: names.length === 0 ? undefined : names,
  }
}

const listOf = (query: URLSearchParams, name: string): string[] => [
  ...new Set([...query.getAll(`${name}[]`), ...query.getAll(name)]),
]

export const pageAfter = (name: string): string =>
  Buffer.from(JSON.stringify({ p: name })).toString('base64url')

function afterPage(page: string): string | undefined {
  try {
    const { p } = JSON.parse(Buffer.from(page, 'base64url').toString()) as { p: unknown }
    return typeof p === 'string' ? p : undefined
  } catch {
    return undefined
  }
}
