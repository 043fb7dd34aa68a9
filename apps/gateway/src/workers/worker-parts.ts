import type { Channel } from './channel.ts'
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
}

/** What `/readyz` says of the workers: nothing while all are there. */
export function workersState(view: WorkersView | undefined): Readonly<Record<string, string | number>> {
  if (view === undefined) return {}
  const { running, wanted } = view
  return { workers: running >= wanted ? running : `${running} of ${wanted}` }
}
