import { type ModelRequest, sleep } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import { isObject } from './json-values.ts'

/** Which models may be asked when one declines; undefined where neither vendor nor configuration says. */
export type PermittedModels = (request: ModelRequest) => Promise<readonly string[] | undefined>

export interface PublishedModelsOptions {
  /** Reads a path such as `/v1/models/claude-opus-5-5` of the endpoint, with its credential and these headers; the parsed body. */
  readonly read: (path: string, headers: Readonly<Record<string, string>>) => Promise<unknown>
  /**
   * How long an answer is good for, in milliseconds. Where there is none, it is asked for again after a tenth of that.
   * @default 3600000
   */
  readonly keepFor?: number
  /**
   * How long a refused call waits for it, in milliseconds.
   * @default 10000
   */
  readonly maxWait?: number
}

interface Known {
  models: Promise<readonly string[] | undefined>
  until: number
}

/** Names that callers think of must not fill the memory. */
const most = 100

/**
 * The models that Anthropic permits, by the `allowed_fallback_models` of its Models API: each model is looked up when it first
 * declines. Undefined where the endpoint does not publish them, as on most clouds.
 */
export function publishedModels(options: PublishedModelsOptions): PermittedModels {
  const { read, keepFor = 3_600_000, maxWait = 10_000 } = options
  const known = new RecentMap<Known>(most)
  const ask = async (model: string): Promise<readonly string[] | undefined> => {
    const body = await read(`/v1/models/${encodeURIComponent(model)}`, {
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'server-side-fallback-2026-07-01',
    })
    const list = isObject(body) ? body.allowed_fallback_models : undefined
    return Array.isArray(list) ? list.filter((name) => typeof name === 'string') : undefined
  }
  const askAgain = keepFor / 10
  const lookUp = (model: string, now: number): Known => {
    const models = ask(model).catch(() => undefined)
    const entry: Known = { models, until: now + keepFor }
    models.then((found) => {
      if (found === undefined) entry.until = now + askAgain
      // Perhaps it was given up meanwhile.
      else entry.models = models
    })
    known.set(model, entry)
    return entry
  }
  return ({ model, clock, signal }) => {
    const now = clock.now()
    const kept = known.get(model)
    const entry = kept === undefined || kept.until <= now ? lookUp(model, now) : kept
    const tooLate = new AbortController()
    const leave = (): void => tooLate.abort()
    signal?.addEventListener('abort', leave)
    const late = sleep(clock, maxWait, tooLate.signal).then(
      () => {
        // The next calls do not wait for it too.
        entry.models = Promise.resolve(undefined)
        entry.until = clock.now() + askAgain
        return undefined
      },
      () => undefined,
    )
    return Promise.race([entry.models, late]).finally(() => {
      signal?.removeEventListener('abort', leave)
      tooLate.abort()
    })
  }
}
