import { memoryBudgetStore } from '@spillway/budgets'
import { memoryBreakerStore } from '@spillway/circuit-breaker-fallback'
import type { Clock } from '@spillway/middleware'
import { backgroundClock } from '@spillway/middleware/kit'
import { serveBudgets } from './budgets-host.ts'
import type { Channel } from './channel.ts'
import { limitsHost } from './limits-host.ts'
import { liveHost } from './live-channel.ts'
import { loginHost } from './login-channel.ts'
import { serveOpenings } from './openings.ts'
import { answerPings } from './primary-link.ts'
import { textsHost } from './texts.ts'

/** What the workers of a gateway share, in the memory of the primary. */
export interface Hub {
  /** Answers a worker until its channel closes; what it held is given back then. */
  serve(channel: Channel): void
}

export function createHub({ clock = backgroundClock }: { readonly clock?: Clock } = {}): Hub {
  const limits = limitsHost(clock)
  const budgets = memoryBudgetStore({ clock })
  const breakers = memoryBreakerStore({ clock })
  const texts = textsHost(clock)
  const logins = loginHost(clock)
  const live = liveHost()
  return {
    serve(channel) {
      answerPings(channel)
      limits.serve(channel)
      serveBudgets(budgets, channel)
      serveOpenings(breakers, channel)
      texts.serve(channel)
      logins.serve(channel)
      live.serve(channel)
    },
  }
}
