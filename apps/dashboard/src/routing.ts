import type { RangeName } from '@spillway/gateway-api'

/** The views, in the order of the navigation. */
export const views = [
  { id: 'live', name: 'Live', ranged: true },
  { id: 'latency', name: 'Latency', ranged: true },
  { id: 'usage', name: 'Usage & cost', ranged: true },
  { id: 'health', name: 'Health', ranged: false },
  { id: 'fallbacks', name: 'Fallbacks & retries', ranged: true },
  { id: 'mirror', name: 'Mirror', ranged: false },
  { id: 'calls', name: 'Calls', ranged: false },
  { id: 'keys', name: 'Keys', ranged: false },
  { id: 'audit', name: 'Audit', ranged: false },
] as const

export type ViewId = (typeof views)[number]['id']

export const ranges: readonly RangeName[] = ['15m', '1h', '24h', '7d', '30d']

/** Where the reader is. All of it stands in the hash, so that a link shows what its sender saw. */
export interface Place {
  readonly view: ViewId
  readonly range: RangeName
  /** What else the view was asked for, such as `by` or `model`; never empty texts. */
  readonly search: Readonly<Record<string, string>>
}

const start: Place = { view: 'live', range: '24h', search: {} }

/** Reads `#/calls?range=1h&model=m`. What is unknown becomes the default. */
export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const view = views.find(({ id }) => id === path)?.id ?? start.view
  const { range: asked, ...search } = Object.fromEntries(
    [...new URLSearchParams(query)].filter(([, value]) => value !== ''),
  )
  return { view, range: ranges.find((each) => each === asked) ?? start.range, search }
}

/** The hash of a place; what is default is left out. */
export function formatPlace({ view, range, search }: Place): string {
  const query = new URLSearchParams(range === start.range ? {} : { range })
  for (const [name, value] of Object.entries(search)) if (value !== '') query.set(name, value)
  return `#/${view}${query.size === 0 ? '' : `?${query}`}`
}
