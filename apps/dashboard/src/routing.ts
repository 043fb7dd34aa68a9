import { ranges as namedRanges, type RangeName } from '@spillway/gateway-api'

/** The views, in the order of the navigation. */
export const views = [
  { id: 'live', name: 'Live', ranged: true, compared: true },
  { id: 'calls', name: 'Calls', ranged: true, compared: true },
  { id: 'sessions', name: 'Conversations', ranged: true },
  { id: 'latency', name: 'Latency', ranged: true, compared: true },
  { id: 'usage', name: 'Usage & cost', ranged: true, compared: true },
  { id: 'health', name: 'Health', ranged: true },
  { id: 'fallbacks', name: 'Fallbacks & retries', ranged: true, compared: true },
  { id: 'mirror', name: 'Mirror', ranged: true },
  { id: 'budgets', name: 'Budgets', ranged: false },
  { id: 'clients', name: 'Clients', ranged: false },
  { id: 'keys', name: 'Keys', ranged: false },
  { id: 'audit', name: 'Audit', ranged: true },
] as const satisfies readonly ViewFacts[]

/** A view, and what it can show of the past. */
export interface ViewFacts {
  readonly id: string
  readonly name: string
  readonly ranged: boolean
  /** Whether it is compared with the period before. */
  readonly compared?: boolean | undefined
}

export type ViewId = (typeof views)[number]['id']

export const ranges = Object.keys(namedRanges) as readonly RangeName[]

/** A part of the past with a begin and an end, in milliseconds since the epoch. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** The current view. All of it is in the hash, so that a link shows what its sender saw. */
export interface Place {
  readonly view: ViewId
  /** What of the view is opened: the id of a call. */
  readonly item?: string | undefined
  /** The part of the past; without effect where there is a `span`. */
  readonly range: RangeName
  readonly span?: Span | undefined
  /** What else the view was asked for, such as `by` or `model`; never empty texts. */
  readonly search: Readonly<Record<string, string>>
}

const start: Place = { view: 'live', range: '24h', search: {} }

/** Reads `#/calls/ID?range=1h&model=m`. What is unknown becomes the default. */
export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [name, item = ''] = path.split('/', 2)
  const view = views.find(({ id }) => id === name)?.id ?? start.view
  const {
    range: asked,
    from,
    to,
    ...search
  } = Object.fromEntries([...new URLSearchParams(query)].filter(([, value]) => value !== ''))
  const span = { from: Number(from), to: Number(to) }
  return {
    view,
    range: ranges.find((each) => each === asked) ?? start.range,
    search,
    ...(item !== '' && { item: decode(item) }),
    ...(from !== undefined && to !== undefined && span.from < span.to && { span }),
  }
}

/** The hash of a place; what is default is left out. */
export function formatPlace({ view, item, range, span, search }: Place): string {
  const query = new URLSearchParams(range === start.range || span !== undefined ? {} : { range })
  if (span !== undefined) {
    query.set('from', String(span.from))
    query.set('to', String(span.to))
  }
  for (const [name, value] of Object.entries(search)) if (value !== '') query.set(name, value)
  const path = item === undefined ? view : `${view}/${encodeURIComponent(item)}`
  return `#/${path}${query.size === 0 ? '' : `?${query}`}`
}

/** How the gateway is asked for the part of the past that is shown. */
export function rangeParameters({ range, span }: Pick<Place, 'range' | 'span'>): Record<string, string> {
  return span === undefined ? { range } : { from: String(span.from), to: String(span.to) }
}

/** The part of the past of the same length that ended where another one begins. */
export function before({ from, to }: Span): Span {
  return { from: Math.max(0, from - (to - from)), to: from }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
