import type { Clock } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import type { Config, RouteConfig } from '../config/config.ts'
import type { RunningEndpoint } from '../endpoint.ts'
import { globMatcher } from '../glob.ts'
import type { RunningTarget } from '../targets.ts'
import { type ModelInfo, nameOnly } from './model-info.ts'
import { type Asking, readOne, VendorModels } from './vendor-models.ts'

/** Single models that no list has, and which are remembered for a while. */
const mostSingles = 1_000
const singleFor = 5 * 60_000

/** The models that a gateway serves, as one caller sees them. */
export interface Models {
  list(asking: Asking): Promise<readonly ModelInfo[]>
  /** Undefined for what no route serves, or what the vendor does not know. */
  one(id: string, asking: Asking): Promise<ModelInfo | undefined>
}

export interface ModelsOptions {
  /** The one in use. */
  readonly config: () => Config
  readonly targets: ReadonlyMap<string, RunningTarget>
  readonly clock: Clock
}

/**
 * Which models there are, from the routes: a name is itself, a glob means what the vendor of its target lists and the route
 * takes. Where the target cannot be asked, those behind it are; where none can, the routes' own names are left.
 */
export function openModels({ config, targets, clock }: ModelsOptions): Models {
  const vendors = new VendorModels(clock)
  const singles = new RecentMap<{ readonly model: ModelInfo | undefined; readonly until: number }>(
    mostSingles,
  )

  const listed = async (name: string, asking: Asking): Promise<readonly ModelInfo[] | undefined> => {
    const target = targets.get(name)
    const settings = config().targets[name]
    if (target === undefined || settings === undefined || settings.api === 'embedded') return undefined
    // Whatever is asked for, this one answers.
    if (settings.model !== undefined) return [nameOnly(settings.model, settings.api)]
    for (const endpoint of target.endpoints) {
      const models = await vendors.of(endpoint, settings.api, asking)
      if (models !== undefined) return models
    }
    return undefined
  }

  const ofRoute = async (route: RouteConfig, asking: Asking): Promise<readonly ModelInfo[]> => {
    for (const name of [route.target, ...route.fallback]) {
      const models = await listed(name, asking)
      if (models !== undefined) return models
    }
    return []
  }

  const list = async (asking: Asking): Promise<readonly ModelInfo[]> => {
    const { routes } = config()
    const matchers = routes.map(({ models }) => globMatcher(models))
    const heard = await Promise.all(routes.map((route) => ofRoute(route, asking)))
    const found = new Map<string, ModelInfo>()
    for (const [index, route] of routes.entries()) {
      const { models: pattern, target } = route
      const known = heard[index] ?? []
      const serves = (id: string): boolean => matchers.findIndex((matches) => matches(id)) === index
      const own = pattern.includes('*')
        ? known
        : [
            known.find(({ id }) => id === pattern) ??
              nameOnly(pattern, config().targets[target]?.api ?? target),
          ]
      for (const model of own) if (serves(model.id) && !found.has(model.id)) found.set(model.id, model)
    }
    return [...found.values()]
  }

  const asked = async (
    endpoints: readonly RunningEndpoint[],
    id: string,
    owner: string,
    asking: Asking,
  ): Promise<ModelInfo | undefined> => {
    const [endpoint] = endpoints
    if (endpoint?.readAs === undefined) return nameOnly(id, owner)
    const key = `${endpoint.read === undefined ? asking.caller : ''}\n${owner}\n${endpoint.name}\n${id}`
    const known = singles.get(key)
    if (known !== undefined && known.until > clock.now()) return known.model
    const answer = await readOne(endpoint, id, owner, asking).catch(() => 'silent' as const)
    // A vendor that cannot be asked may well have it.
    const model = answer === 'silent' ? nameOnly(id, owner) : answer
    singles.set(key, { model, until: clock.now() + singleFor })
    return model
  }

  return {
    list,
    async one(id, asking) {
      const { routes, targets: settings } = config()
      const route = routes.find(({ models }) => globMatcher(models)(id))
      if (route === undefined) return undefined
      const found = (await list(asking)).find((model) => model.id === id)
      if (found !== undefined) return found
      const of = settings[route.target]
      if (of === undefined || of.model !== undefined || of.api === 'embedded' || !route.models.includes('*'))
        return nameOnly(id, of?.api ?? route.target)
      return asked(targets.get(route.target)?.endpoints ?? [], id, of.api, asking)
    },
  }
}
