import type { Failure } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import { lossOf, pathForAll } from './not-taken.ts'

/** How long what was learned holds, in milliseconds: clouds learn too. */
const holds = 3_600_000

/** Models that are remembered at most: callers may name any number. */
const mostModels = 200

/** Refused requests after which one call gives up. */
export const mostLessons = 6

/** What a venue has said that it does not take for a model. */
export interface Learned {
  /** Ids that are not the model's here. */
  readonly wrongIds: readonly string[]
  /** Betas that it does not know; `*` for all but {@link olderBetas}, `**` for all. */
  readonly betas: readonly string[]
  /** Fields that are left out. */
  readonly without: readonly string[]
  /** Fields for which a call goes elsewhere. */
  readonly elsewhere: readonly string[]
  /** Whether it cannot count the tokens of a prompt. */
  readonly countless: boolean
}

export const nothingLearned: Learned = {
  wrongIds: [],
  betas: [],
  without: [],
  elsewhere: [],
  countless: false,
}

/** Betas that every model of a cloud is said to take. */
export const olderBetas: ReadonlySet<string> = new Set(['interleaved-thinking-2025-05-14'])

/** What one venue has said, by model, for an hour. */
export class Lessons {
  readonly #learned = new RecentMap<{ readonly learned: Learned; readonly until: number }>(mostModels)

  for(model: string, now: number): Learned {
    const known = this.#learned.get(model)
    if (known === undefined) return nothingLearned
    if (now < known.until) return known.learned
    this.#learned.delete(model)
    return nothingLearned
  }

  learn(model: string, learned: Learned, now: number): void {
    this.#learned.set(model, { learned, until: now + holds })
  }
}

/**
 * What is known after a failure, beside what was known before; undefined where it says nothing new.
 * @param sent the id and the betas of the request that failed
 */
export function afterFailure(
  failure: Failure,
  before: Learned,
  sent: { readonly id: string; readonly betas: readonly string[] },
): Learned | undefined {
  if (failure.origin !== 'upstream' || failure.retryable) return undefined
  const { kind, message } = failure
  if (kind === 'not_found') {
    return before.wrongIds.includes(sent.id)
      ? undefined
      : { ...before, wrongIds: [...before.wrongIds, sent.id] }
  }
  if (kind !== 'invalid_request') return undefined
  const betas = refusedBetas(message, before, sent.betas)
  if (betas !== undefined)
    return betas.length === 0 ? undefined : { ...before, betas: [...before.betas, ...betas] }
  const path = refusedField(message)
  if (path === undefined) return undefined
  const name = lossOf(path) === undefined ? 'elsewhere' : 'without'
  const place = pathForAll(path)
  return before[name].includes(place) ? undefined : { ...before, [name]: [...before[name], place] }
}

/** The betas that a message refuses; empty where all have been left out, undefined where it speaks of something else. */
function refusedBetas(
  message: string,
  before: Learned,
  sent: readonly string[],
): readonly string[] | undefined {
  if (/\bunexpected value\(s\) .{1,2000} for the `anthropic-beta` header/i.test(message)) {
    const named = [...message.matchAll(/`([\w-]{1,100})`/g)].map(([, name]) => name as string)
    return named.filter((name) => sent.includes(name))
  }
  if (!/\binvalid beta flag\b/i.test(message)) return undefined
  if (sent.length === 0) return []
  return [sent.some((name) => !olderBetas.has(name)) && !before.betas.includes('*') ? '*' : '**']
}

/** The path of a field that a venue does not know: `context_management`, `output_config.effort`. */
function refusedField(message: string): string | undefined {
  const [, place = '', key] =
    /#([\w/]{0,200}): extraneous key \[([\w-]{1,100})\] is not permitted/.exec(message) ?? []
  if (key !== undefined) return [...place.split('/').filter(Boolean), key].join('.')
  return /(?:^|[\s"'])([a-z_]\w{0,100}(?:\.\w{1,100}){0,6}): Extra inputs are not permitted/.exec(
    message,
  )?.[1]
}

/** The betas that are sent, of those that are asked for. */
export function knownBetas(asked: readonly string[], { betas }: Learned): readonly string[] {
  if (betas.includes('**')) return []
  const all = betas.includes('*') ? asked.filter((name) => olderBetas.has(name)) : asked
  return all.filter((name) => !betas.includes(name))
}
