import { isDeepStrictEqual } from 'node:util'
import type { ComparisonRow } from '@spillway/ledger'
import type { Middleware } from '@spillway/middleware'
import type { RunningBudgets } from '../budgets/running-budgets.ts'
import { closeAll } from '../closing.ts'
import type { Config } from '../config/config.ts'
import type { Resources } from '../endpoint.ts'
import { limitsOfTenants, type RunningLimit } from '../rate-limits.ts'
import { createRouter, type Route, type Router } from '../router.ts'
import { openMirrors, openRoutes, type RunningMirror } from '../routes.ts'
import { openTarget, type RunningTarget } from '../targets.ts'
import { CallsInFlight } from './calls-in-flight.ts'

export interface ServingOptions {
  readonly resources: Resources
  /** Around the candidates of mirrors. */
  readonly mirrored: Middleware
  readonly budgets?: RunningBudgets | undefined
  readonly onOpened: (target: RunningTarget) => void
  readonly log: (line: string) => void
}

/** What answers the calls of a gateway: targets, mirrors and routes, which change while it runs. */
export class Serving {
  readonly #options: ServingOptions
  /** Changes in place: whoever reads it sees what is there now. */
  readonly targets: Map<string, RunningTarget> = new Map()
  readonly mirrors: RunningMirror[] = []
  config: Config
  #tenants: RunningLimit
  #observers: readonly Middleware[] = []
  #inFlight = new CallsInFlight()
  /** The same of configurations before: a target may have served several of them. */
  readonly #before = new Set<Promise<void>>()
  #router: Router = createRouter([])
  readonly #retiring = new Set<() => Promise<void>>()

  constructor(config: Config, options: ServingOptions) {
    this.config = config
    this.#options = options
    this.#tenants = limitsOfTenants(config, options.resources.shared)
    for (const name of Object.keys(config.targets)) this.#add(openTarget(name, config, options.resources))
    this.mirrors.push(...openMirrors(config, this.targets, options.mirrored, this.#bookComparison))
  }

  readonly #bookComparison = (row: ComparisonRow): void =>
    this.#options.resources.books?.book([{ table: 'comparisons', row }])

  /** Opens the routes; `observers` are outermost. */
  route(observers: readonly Middleware[]): void {
    this.#observers = observers
    this.#router = createRouter(this.#routes(this.config, this.#inFlight))
  }

  readonly router: Router = (model, otherName) => this.#router(model, otherName)

  /**
   * Goes on with another configuration. Targets that are the same live on with all that they know; the others are closed
   * when the last call that they serve has ended.
   * @throws what opening a target throws; then nothing has changed
   */
  use(next: Config): void {
    const { resources, mirrored } = this.#options
    const before = this.config
    const fresh = new Map<string, RunningTarget>()
    try {
      for (const name of Object.keys(next.targets))
        if (!isSameTarget(before, next, name)) fresh.set(name, openTarget(name, next, resources))
    } catch (error) {
      for (const target of fresh.values()) void target.close()
      throw error
    }
    const left: { readonly name: string; readonly close: () => unknown }[] = []
    const replaced = new Set<string>()
    for (const [name, { close }] of this.targets) {
      if (Object.hasOwn(next.targets, name) && !fresh.has(name)) continue
      replaced.add(name)
      this.targets.delete(name)
      left.push({ name: `the target ${name}`, close })
    }
    for (const target of fresh.values()) this.#add(target)
    const isTouched = [...(before.mirror ?? []), ...(next.mirror ?? [])].some(({ from, to }) =>
      [from, to].some((name) => replaced.has(name) || fresh.has(name)),
    )
    const oldMirrors = [...this.mirrors]
    if (isTouched || !isDeepStrictEqual([before.mirror, before.routes], [next.mirror, next.routes])) {
      this.mirrors.splice(0, Infinity, ...openMirrors(next, this.targets, mirrored, this.#bookComparison))
    }
    if (!isDeepStrictEqual(before.tenants?.rateLimit, next.tenants?.rateLimit)) {
      left.push({ name: 'the limits of tenants', close: this.#tenants.close })
      this.#tenants = limitsOfTenants(next, resources.shared)
    }
    const over = this.#inFlight
    this.#inFlight = new CallsInFlight()
    this.config = next
    this.#options.budgets?.use(next.budgets)
    this.#router = createRouter(this.#routes(next, this.#inFlight))
    const ended = over.end().then(() => void this.#before.delete(ended))
    this.#before.add(ended)
    const mirrorsLeft = oldMirrors.filter((mirror) => !this.mirrors.includes(mirror))
    this.#retire(mirrorsLeft, left)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#retiring].map((end) => end()))
    await this.#closeAll(this.mirrors, [
      ...[...this.targets.values()].map(({ name, close }) => ({ name: `the target ${name}`, close })),
      { name: 'the limits of tenants', close: this.#tenants.close },
    ])
  }

  #add(target: RunningTarget): void {
    this.targets.set(target.name, target)
    this.#options.onOpened(target)
  }

  #routes(config: Config, inFlight: CallsInFlight): Route[] {
    const observers = [inFlight.middleware, ...this.#observers]
    const { budgets } = this.#options
    return openRoutes(config, this.targets, this.mirrors, this.#tenants.middleware, observers, budgets)
  }

  /** A call of before may still fall back: everything of before stays until the last one has ended. */
  #retire(
    mirrors: readonly RunningMirror[],
    left: readonly { readonly name: string; readonly close: () => unknown }[],
  ): void {
    if (mirrors.length + left.length === 0) return
    let ended: Promise<void> | undefined
    const end = (): Promise<void> => {
      ended ??= this.#closeAll(mirrors, left).finally(() => this.#retiring.delete(end))
      return ended
    }
    this.#retiring.add(end)
    void Promise.all(this.#before).then(end)
  }

  async #closeAll(
    mirrors: readonly RunningMirror[],
    targets: readonly { readonly name: string; readonly close: () => unknown }[],
  ): Promise<void> {
    const { log } = this.#options
    const ofMirrors = mirrors.map(({ from, to, mirror }) => ({
      name: `the mirror from ${from} to ${to}`,
      close: () => mirror.close(),
    }))
    await closeAll(ofMirrors, log)
    await closeAll(targets, log)
  }
}

/** What a target is made of, besides its own settings. */
function isSameTarget(before: Config, after: Config, name: string): boolean {
  const parts = ({ targets, timeouts, retry, rateLimit, circuitBreaker, fallback }: Config): unknown => [
    ...[Object.hasOwn(targets, name) ? targets[name] : undefined, timeouts, retry, rateLimit],
    ...[circuitBreaker, fallback?.refusal],
  ]
  return Object.hasOwn(before.targets, name) && isDeepStrictEqual(parts(before), parts(after))
}
