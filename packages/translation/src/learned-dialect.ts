import { type ChatDialect, type ChatDialectName, chatDialects } from './protocols/dialect.ts'

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
  readonly #base: ChatDialect
  readonly #learned = new Map<string, { readonly changes: Changes; readonly until: number }>()

  constructor(dialect: ChatDialectName | ChatDialect) {
    this.#base = typeof dialect === 'string' ? chatDialects[dialect] : dialect
  }

  /** The dialect for a model, now. */
  for(model: string, now: number): ChatDialect {
    const learned = this.#learned.get(model)
    if (learned === undefined) return this.#base
    if (now < learned.until) return { ...this.#base, ...learned.changes }
    this.#learned.delete(model)
    return this.#base
  }

  /** Keeps what has worked for a model, beside what is known of it already. */
  learn(model: string, changes: Changes, now: number): void {
    const before = this.#learned.get(model)
    this.#learned.delete(model)
    const [oldest] = this.#learned.keys()
    if (oldest !== undefined && this.#learned.size >= mostModels) this.#learned.delete(oldest)
    this.#learned.set(model, { changes: { ...before?.changes, ...changes }, until: now + learnedHolds })
  }
}
