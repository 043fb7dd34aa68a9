import type { Targets } from '@spillway/gateway-api'
import type { AttemptRow } from '@spillway/ledger'
import type { Clock, Middleware } from '@spillway/middleware'
import type { Config } from '../config/config.ts'
import type { RunningTarget } from '../targets.ts'
import { expiringCertificates, type ShownCertificate } from './certificates.ts'
import type { Incident } from './incident.ts'
import { incidentsOf } from './incidents.ts'
import { type RetiringModels, watchRetirements } from './retiring-models.ts'
import { observeRoutes, watchRoutes } from './route-health.ts'
import { type SpentBudgets, watchBudgets } from './spent-budgets.ts'
import { watchPrices } from './unknown-prices.ts'

/** All that needs a person, from all that watches: for the dashboard and for receivers of alerts alike. */
export interface IncidentSources {
  /** Around each route. */
  readonly calls: Middleware
  readonly budgets: Pick<SpentBudgets, 'note' | 'saw'>
  /** Hears of each attempt as it is booked. */
  book(attempt: AttemptRow): void
  incidents(targets: Targets, state: Readonly<Record<string, string | number>>): Incident[]
  /** The configuration has changed. */
  use(): void
  close(): void
}

export interface SourcesOptions {
  readonly config: () => Config
  readonly targets: ReadonlyMap<string, RunningTarget>
  readonly clock: Clock
  /** What others have found. */
  readonly others: () => readonly Incident[]
}

/** How often files of certificates are read, in milliseconds: one that was replaced is no incident any more. */
const readFilesEvery = 60_000

export function openIncidentSources({ config, targets, clock, others }: SourcesOptions): IncidentSources {
  const routes = watchRoutes(() => config().routes)
  const prices = watchPrices()
  const budgets = watchBudgets()
  const now = (): number => Math.round(clock.epoch())
  let retirements: RetiringModels | undefined
  const use = (): void => {
    // Vendors are not asked for what no receiver subscribes to.
    if ((config().alerts ?? []).length === 0) return
    if (retirements === undefined) retirements = watchRetirements({ config, targets, clock })
    else retirements.use()
  }
  use()
  let certificates:
    | { readonly of: Config; readonly at: number; readonly found: readonly Incident[] }
    | undefined

  const ofCertificates = (): readonly Incident[] => {
    const of = config()
    if (certificates === undefined || certificates.of !== of || now() - certificates.at > readFilesEvery)
      certificates = { of, at: now(), found: expiringCertificates(certificatesOf(of), now()) }
    return certificates.found
  }
  return {
    calls: observeRoutes(routes),
    budgets,
    book(attempt) {
      prices.note(attempt, now())
      const { target, model_asked, model_answered, failure } = attempt
      if (retirements === undefined || target === null || failure !== null) return
      for (const model of new Set([model_asked, model_answered ?? model_asked]))
        retirements.note(target, model, now())
    },
    incidents: (view, state) =>
      incidentsOf(view, state, now(), [
        ...routes.incidents(),
        ...prices.incidents(now()),
        ...budgets.incidents(now()),
        ...ofCertificates(),
        ...(retirements?.incidents(now()) ?? []),
        ...others(),
      ]),
    use,
    close: () => retirements?.close(),
  }
}

function certificatesOf({ server, targets }: Config): ShownCertificate[] {
  const own = server.tls === undefined ? [] : [{ subject: 'server', file: server.tls.cert }]
  const ofEndpoints = Object.entries(targets).flatMap(([name, { endpoints = [] }]) =>
    endpoints.flatMap(({ name: own, tls }, index) =>
      tls?.cert === undefined ? [] : [{ subject: `${name}/${own ?? index + 1}`, file: tls.cert }],
    ),
  )
  return [...own, ...ofEndpoints]
}
