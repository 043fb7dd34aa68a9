import type { Failure } from '@spillway/middleware'
import { type JsonBody, RecentMap } from '@spillway/middleware/kit'
import { type ChatDialect, type ChatDialectName, chatDialects } from './protocols/dialect.ts'
import { dialectRefused } from './protocols/dialect-refusal.ts'

/** How long what was learned holds, in milliseconds: a server may have been brought up to date. */
const learnedHolds = 3_600_000

/** Models that are remembered at most: callers may name any number. */
const mostModels = 100

/** Refused requests after which one call gives up. */
export const mostLessons = 4

type Changes = Partial<ChatDialect>

/**
 * What one server takes: the dialect that it was given, and what it has refused since, by model, since servers of many
 * models differ in theirs.
 */
export class LearnedDialect {
  /** What the server was said to take, or is thought to. */
  readonly base: ChatDialect
  readonly #learned = new RecentMap<{ readonly changes: Changes; readonly until: number }>(mostModels)

  constructor(dialect: ChatDialectName | ChatDialect) {
    this.base = typeof dialect === 'string' ? chatDialects[dialect] : dialect
  }

  /** The dialect for a model, now. */
  for(model: string, now: number): ChatDialect {
    const learned = this.changes(model, now)
    return learned === undefined ? this.base : { ...this.base, ...learned }
  }

  /** What has been learned of a model, where that is anything. */
  changes(model: string, now: number): Changes | undefined {
    const learned = this.#learned.get(model)
    if (learned === undefined || now < learned.until) return learned?.changes
    this.#learned.delete(model)
    return undefined
  }

  /** Keeps what has worked for a model, beside what is known of it already. */
  learn(model: string, changes: Changes, now: number): void {
    const before = this.#learned.get(model)
    this.#learned.set(model, { changes: { ...before?.changes, ...changes }, until: now + learnedHolds })
  }
}

/**
 * What is to be changed after a failure, beside what has been changed before; undefined where there is nothing to learn
 * from it. What has been changed once is not changed back.
 */
export function freshLesson(failure: Failure, sent: JsonBody, before: Changes): Changes | undefined {
  const refused = dialectRefused(failure, () => sent.json) ?? {}
  const fresh = Object.entries(refused).filter(([name]) => !Object.hasOwn(before, name))
  return fresh.length === 0 ? undefined : { ...before, ...Object.fromEntries(fresh) }
}
