import type { Channel } from './channel.ts'
import { type Colleagues, colleaguesBy } from './colleagues.ts'
import { scrapeAll } from './metrics-questions.ts'
import type { WorkersView } from './orders.ts'

/** What makes a gateway one worker of several. */
export interface WorkerParts {
  /** Its number, from 1. */
  readonly id: number
  /** How many there are. */
  readonly count: number
  /** To the primary. */
  readonly channel: Channel
  /** What the primary has said of the workers last. */
  readonly view: () => WorkersView | undefined
  /** The other workers. */
  readonly colleagues: Colleagues
  /** What `/metrics` says of all workers. */
  readonly scrape: () => Promise<string>
}

/** How long the metrics of all may take, in milliseconds. */
const scrapesWithin = 8_000

/** What is made of the channel to the primary. */
export function partsOf(channel: Channel, own: Pick<WorkerParts, 'id' | 'count' | 'view'>): WorkerParts {
  return {
    ...own,
    channel,
    colleagues: colleaguesBy(channel),
    scrape: () => channel.ask(scrapeAll, undefined, { deadline: scrapesWithin }),
  }
}

/** What `/readyz` says of the workers: nothing while all are there. */
export function workersState(view: WorkersView | undefined): Readonly<Record<string, string | number>> {
  if (view === undefined) return {}
  const { running, wanted } = view
  return { workers: running >= wanted ? running : `${running} of ${wanted}` }
}
