import { fallback } from '@spillway/circuit-breaker-fallback'
import type { ComparisonRow } from '@spillway/ledger'
import { compose, type Middleware, systemClock } from '@spillway/middleware'
import { createMirror, type Mirror } from '@spillway/mirror'
import type { PriceTable } from '@spillway/usage'
import { venueCallers } from '@spillway/venues'
import { Similarity } from './api/similarity.ts'
import type { RunningBudgets } from './budgets/running-budgets.ts'
import type { Config } from './config/config.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import { priceTableOf } from './config/prices.ts'
import { comparisonRow } from './ledger/comparison-row.ts'
import { whenRefused } from './model-refusals.ts'
import { responsesCallers } from './responses-callers.ts'
import type { Route } from './router.ts'
import { priorityOf } from './shedding/priority.ts'
import type { RunningTarget } from './targets.ts'

/** A mirror of the calls on the routes of one target. */
export interface RunningMirror {
  readonly from: string
  readonly to: string
  readonly sample: number
  readonly mirror: Mirror
  /** How alike the answers are so far, for metrics; all else of comparisons is in the ledger. */
  readonly similarity: Similarity
}

/**
 * Brings the configured mirrors to life; `observer` hears of their attempts, and `book` takes what is compared. Close them before their
 * candidates.
 */
export function openMirrors(
  config: Config,
  targets: ReadonlyMap<string, RunningTarget>,
  observer: Middleware,
  book: (row: ComparisonRow) => void,
): RunningMirror[] {
  const served = new Set(config.routes.flatMap(({ target, fallback: others }) => [target, ...others]))
  return (config.mirror ?? []).map(({ from, to, sample, ...set }) => {
    const limits = omitUndefined(set)
    const candidate = targets.get(to) as RunningTarget
    const similarity = new Similarity()
    const pair = {
      ...{ from, to },
      ...{ primary: providerOf(config, from), candidate: providerOf(config, to) },
      ...{ primaryPrices: pricesOf(config, from), candidatePrices: pricesOf(config, to) },
    }
    return {
      from,
      to,
      sample,
      similarity,
      mirror: createMirror({
        to: { name: candidate.name, model: candidate.model, handler: observer(candidate.handler) },
        sample,
        // A target without a route shares its limits with no other traffic.
        dedicated: !served.has(to),
        ...limits,
        onComparison(comparison) {
          similarity.add(comparison.textSimilarity)
          book(comparisonRow(pair, comparison, systemClock.epoch()))
        },
      }),
    }
  })
}

const providerOf = (config: Config, target: string): string => config.targets[target]?.api ?? target

function pricesOf({ targets }: Config, name: string): PriceTable | undefined {
  const target = targets[name]
  return target && priceTableOf(target)
}

/** Callers of clouds are first-party callers for all that comes after. */
const atVenues = venueCallers()

/** The routes of a configuration over its running targets; `observers` are outermost. */
export function openRoutes(
  config: Config,
  targets: ReadonlyMap<string, RunningTarget>,
  mirrors: readonly RunningMirror[],
  ofTenant: readonly Middleware[] = [],
  observers: readonly Middleware[] = [],
  budgets?: Pick<RunningBudgets, 'calls'> | undefined,
): Route[] {
  const { reserve, midStream } = config.fallback ?? {}
  return config.routes.map(({ models, target, fallback: others, priority }) => {
    const [first, ...after] = [target, ...others].map((name) => targets.get(name) as RunningTarget)
    const { outermost, others: next } = responsesCallers(config.targets, target, after)
    const mirrored = mirrors.filter(({ from }) => from === target).map(({ mirror }) => mirror.middleware)
    const chain = [
      ...observers,
      atVenues,
      // Before anything waits, and before anything is sent.
      ...(budgets === undefined ? [] : [budgets.calls([first as RunningTarget, ...after])]),
      ...ofTenant,
      ...outermost,
      ...mirrored,
      fallback(next, { ...omitUndefined({ reserve, midStream }), ...whenRefused(config) }),
    ]
    const handler = compose(chain, (first as RunningTarget).handler)
    return { models, handler, targets: [target, ...others], priority: priorityOf(priority) }
  })
}
