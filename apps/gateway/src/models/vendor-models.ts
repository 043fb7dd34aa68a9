import { type Clock, sleep } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import type { RunningEndpoint } from '../endpoint.ts'
import type { ReadAnswer } from '../read-json.ts'
import { type ModelInfo, readModel, readModels } from './model-info.ts'

/** How long what a vendor has said holds, in milliseconds, and how long it is not asked again where it has said nothing. */
const keepFor = 5 * 60_000
const silentFor = 30_000

/** How long a client waits for vendors, in milliseconds. Claude Code gives up after three seconds. */
export const longestWait = 2_000

/** Callers with their own keys whose views are kept for each endpoint, and pages of one list. */
const mostViews = 200
const mostPages = 5
/** The models of one vendor, of which OpenRouter lists some 400. */
const mostModels = 5_000

interface View {
  /** The last that was heard. */
  readonly models: readonly ModelInfo[] | undefined
  readonly until: number
  readonly asking: Promise<void> | undefined
}

/** With whose key an endpoint is asked: its own, or the caller's. */
export interface Asking {
  /** The name of the caller's key. */
  readonly caller: string
  /** What the caller presented. */
  readonly credential: Readonly<Record<string, string>>
}

/**
 * What endpoints list, as one key sees it. Asked once at a time for each; what was heard is served while it is asked for again.
 * What is known of an endpoint goes with it.
 */
export class VendorModels {
  readonly #views = new WeakMap<RunningEndpoint, RecentMap<View>>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined where it has never answered, or not in time. */
  async of(
    endpoint: RunningEndpoint,
    owner: string,
    asking: Asking,
  ): Promise<readonly ModelInfo[] | undefined> {
    const views = this.#viewsOf(endpoint)
    const key = endpoint.read === undefined ? asking.caller : ''
    const view = views.get(key)
    if (view !== undefined && view.until > this.#clock.now()) return view.models
    const pending = view?.asking ?? this.#ask(views, key, view, () => list(endpoint, owner, asking))
    // What is old is better than a wait.
    if (view?.models !== undefined) return view.models
    const done = new AbortController()
    await Promise.race([pending, sleep(this.#clock, longestWait, done.signal).catch(() => {})])
    done.abort()
    return views.get(key)?.models
  }

  #viewsOf(endpoint: RunningEndpoint): RecentMap<View> {
    const known = this.#views.get(endpoint)
    if (known !== undefined) return known
    const views = new RecentMap<View>(mostViews)
    this.#views.set(endpoint, views)
    return views
  }

  #ask(
    views: RecentMap<View>,
    key: string,
    view: View | undefined,
    read: () => Promise<readonly ModelInfo[] | undefined>,
  ): Promise<void> {
    const settle = (models: readonly ModelInfo[] | undefined): void => {
      const holds = models === undefined ? silentFor : keepFor
      views.set(key, { models: models ?? view?.models, until: this.#clock.now() + holds, asking: undefined })
    }
    const asking = read().then(settle, () => settle(undefined))
    views.set(key, { models: view?.models, until: 0, asking })
    return asking
  }
}

async function list(
  endpoint: RunningEndpoint,
  owner: string,
  { credential }: Asking,
): Promise<readonly ModelInfo[] | undefined> {
  const models: ModelInfo[] = []
  let after: string | undefined
  for (let page = 0; page < mostPages; page++) {
    const from = after === undefined ? '' : `&after_id=${encodeURIComponent(after)}`
    const heard = await readFrom(endpoint, `/v1/models?limit=1000${from}`, credential)
    const answer = readModels(heard?.value, owner)
    if (answer === undefined) return page === 0 ? undefined : models
    models.push(...answer.models)
    after = answer.after
    if (after === undefined || models.length >= mostModels) break
  }
  return models.slice(0, mostModels)
}

/** A model that is in no list, as its endpoint tells of it; undefined for one that it does not know. @throws where it does not say */
export async function readOne(
  endpoint: RunningEndpoint,
  id: string,
  owner: string,
  { credential }: Asking,
): Promise<ModelInfo | undefined> {
  const heard = await readFrom(endpoint, `/v1/models/${encodeURIComponent(id)}`, credential)
  if (heard?.status === 404) return undefined
  const model = readModel(heard?.value, owner)
  if (model === undefined) throw new Error('the endpoint does not tell of its models')
  return model
}

async function readFrom(
  endpoint: RunningEndpoint,
  path: string,
  credential: Readonly<Record<string, string>>,
): Promise<ReadAnswer | undefined> {
  return endpoint.readAs?.(path, { 'anthropic-version': '2023-06-01', ...credential })
}
