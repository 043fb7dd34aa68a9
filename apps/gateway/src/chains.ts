import { type Middleware, named } from '@spillway/middleware'
import { attemptTelemetry, telemetry } from '@spillway/telemetry'
import type { Config } from './config/config.ts'
import type { Resources } from './endpoint.ts'
import { limitsOfTenants } from './rate-limits.ts'
import type { Route } from './router.ts'
import { openMirrors, openRoutes } from './routes.ts'
import { openTarget } from './targets.ts'

const passing = (name: string): Middleware => named<Middleware>((next) => (request) => next(request), name)

/** What a running gateway shares, where no call will come: nothing is opened, connected to or loaded. */
const nothing: Resources = {
  isDry: true,
  vault: {
    state: { status: 'empty' },
    credential: () => ({
      token() {
        throw new Error('no call is made')
      },
      refused() {},
    }),
  } as unknown as NonNullable<Resources['vault']>,
  books: { attempts: () => passing('ledger of attempts'), book() {} },
  observability: { attempts: () => attemptTelemetry() },
}

/**
 * The routes of a configuration with their chains as a gateway would have them, to be printed, and what closes
 * them.
 */
export async function withChains<T>(config: Config, look: (routes: readonly Route[]) => T): Promise<T> {
  const targets = new Map(
    Object.keys(config.targets).map((name) => [name, openTarget(name, config, nothing)] as const),
  )
  const mirrors = openMirrors(
    config,
    targets,
    (next) => next,
    () => {},
  )
  try {
    const observers = [telemetry(), passing('ledger')]
    return look(
      openRoutes(config, targets, mirrors, limitsOfTenants(config, undefined).middleware, observers),
    )
  } finally {
    await Promise.all([...mirrors.map(({ mirror }) => mirror.close())])
    await Promise.all([...targets.values()].map((target) => target.close()))
  }
}
