import type { Clock } from '@spillway/middleware'
import { backgroundClock } from '@spillway/middleware/kit'
import type { SharedState, Sharing } from '../shared-state.ts'
import type { Channel } from './channel.ts'
import { remoteOpenings } from './openings.ts'
import { openLink, type PrimaryLink } from './primary-link.ts'
import { remoteBudgets } from './remote-budgets.ts'
import { remoteLimits } from './remote-limits.ts'
import { remoteTexts } from './texts.ts'

export interface WorkerStateOptions {
  /** Workers that share it: what one divides limits by while the primary does not answer. */
  readonly processes: number
  /** How long a call waits for the primary before this worker goes on by itself, in milliseconds. @default 2000 */
  readonly timeout?: number | undefined
  /** Told when the primary does not answer, and when it does again. */
  readonly log: (line: string) => void
  readonly clock?: Clock
}

/** What the workers of a gateway share through their primary, where no Redis is configured. */
export function openWorkerState(channel: Channel, options: WorkerStateOptions): SharedState {
  const { processes, timeout, log, clock = backgroundClock } = options
  const link = openLink(channel, { timeout, clock })
  link.onStatus((status) =>
    log(
      status === 'shared'
        ? 'the primary process answers again: limits are shared again'
        : 'the primary process does not answer: this worker keeps to its share of the limits',
    ),
  )
  const limits = remoteLimits(link, { processes, clock })
  const budgets = remoteBudgets(link, { processes, clock })
  const texts = remoteTexts(link)
  return {
    limits: withStatus(limits, link),
    budgets: withStatus(budgets, link),
    breakers: remoteOpenings(link),
    ...texts,
    close: () => link.close(),
  }
}

function withStatus<T extends object>(store: T, link: PrimaryLink): T & Sharing {
  return Object.defineProperties(
    { ...store, status: link.status, onStatus: link.onStatus },
    { status: { get: () => link.status } },
  )
}
