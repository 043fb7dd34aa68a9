import type { Clock } from '@spillway/middleware'
import { type CancelTimer, RecentMap } from '@spillway/middleware/kit'
import type { Config } from '../config/config.ts'
import { type Retirement, retirementOf } from '../models/model-lifecycle.ts'
import { type Asking, VendorModels } from '../models/vendor-models.ts'
import type { RunningTarget } from '../targets.ts'
import type { Incident } from './incident.ts'

/** How often vendors are asked for their lists, in milliseconds. */
export const askEvery: number = 6 * 3_600_000

/** How soon they are asked again where one has not answered, in milliseconds. */
const askAgain = 10 * 60_000

/** How long before its end a model is urgent, in milliseconds. */
const urgentBefore: number = 7 * 86_400_000

/** Models that calls have used are remembered for so long, in milliseconds, and so many of them. */
const usedFor: number = 7 * 86_400_000
const mostUsed = 1_000

/** Watches for models in use that their vendor is about to take away. */
export interface RetiringModels {
  /** A target has answered with a model. */
  note(target: string, model: string, now: number): void
  incidents(now: number): Incident[]
  /** The configuration has changed: asks again. */
  use(): void
  close(): void
}

export interface RetiringModelsOptions {
  readonly config: () => Config
  readonly targets: ReadonlyMap<string, RunningTarget>
  readonly clock: Clock
}

/** With an endpoint's own key: where callers bring theirs, there is no key to read the list with. */
const own: Asking = { caller: '', credential: {} }

/** Asks at once, beside whoever calls, and then every {@link askEvery}. */
export function watchRetirements({ config, targets, clock }: RetiringModelsOptions): RetiringModels {
  const vendors = new VendorModels(clock)
  const used = new RecentMap<number>(mostUsed)
  let announced: ReadonlyMap<string, readonly Retirement[]> = new Map()
  let isClosed = false
  let cancel: CancelTimer = () => {}

  const ask = async (): Promise<boolean> => {
    let isWhole = true
    const found = new Map<string, readonly Retirement[]>()
    for (const [name, target] of targets) {
      const settings = config().targets[name]
      const endpoint = target.endpoints.find(({ read }) => read !== undefined)
      if (settings === undefined || endpoint === undefined || settings.api === 'embedded') continue
      const models = await vendors.of(endpoint, settings.api, own)
      if (models === undefined) isWhole = false
      // What was heard before holds until something else is.
      const heard = models?.flatMap((model) => retirementOf(model) ?? []) ?? announced.get(name) ?? []
      if (heard.length > 0) found.set(name, heard)
    }
    announced = found
    return isWhole
  }
  let asking = 0
  const again = (): void => {
    const mine = ++asking
    void ask()
      .catch(() => false)
      .then((isWhole) => {
        if (!isClosed && mine === asking) cancel = clock.setTimer(isWhole ? askEvery : askAgain, again)
      })
  }
  again()

  return {
    note: (target, model, now) => used.set(`${target}\n${model}`, now),
    incidents(now) {
      const { targets: configured, routes } = config()
      return [...announced].flatMap(([target, retirements]) => {
        const settings = configured[target]
        if (settings === undefined) return []
        const named = routes.filter(({ target: first, fallback }) => [first, ...fallback].includes(target))
        const isUsed = (model: string): boolean =>
          settings.model === model ||
          (settings.model === undefined && named.some(({ models }) => models === model)) ||
          now - (used.get(`${target}\n${model}`) ?? Number.NEGATIVE_INFINITY) < usedFor
        return retirements
          .filter(({ model }) => isUsed(model))
          .flatMap((each) => incidentsOf(target, each, now))
      })
    },
    use() {
      cancel()
      again()
    },
    close() {
      isClosed = true
      cancel()
    },
  }
}

function incidentsOf(target: string, { model, at, isOver }: Retirement, now: number): Incident[] {
  const date = at === undefined ? undefined : new Date(at).toISOString().slice(0, 10)
  const message = isOver
    ? `${model} is retired: calls for it fail; ask for another model`
    : `${model} is about to retire ${date === undefined ? '(no date is set yet)' : `on ${date}`}: ask for another model by then`
  const common = { kind: 'model_retiring', subject: `${target}/${model}`, message, since: null } as const
  const isUrgent = isOver || (at !== undefined && at - now <= urgentBefore)
  // Two incidents: the second one is told though the first one was.
  return [
    { ...common, severity: 'warning' },
    ...(isUrgent ? [{ ...common, severity: 'critical' } as const] : []),
  ]
}
