import type { Entry } from './rows.ts'

/** The name of all beyond the bound, as in the conventions' `error.type`. */
export const otherName = '_OTHER'

/** A name that was not used for so long, in milliseconds, gives its place to another one. */
const forgetAfter = 31 * 24 * 3_600_000

/**
 * Bounds how many models and tenants the sums tell apart, which callers choose: so many of each are known, and entries of
 * all others are summed up under {@link otherName}. Rows themselves keep their names.
 */
export function boundNames(max: number): (entries: readonly Entry[]) => readonly Entry[] {
  const model = boundedName(max)
  const tenant = boundedName(max)
  return (entries) =>
    entries.map((entry) => {
      if (entry.table !== 'calls' && entry.table !== 'attempts') return entry
      const { started_at: at, model_asked, tenant: named } = entry.row
      const names = { model_asked: model(model_asked, at), tenant: named === null ? null : tenant(named, at) }
      return names.model_asked === model_asked && names.tenant === named
        ? entry
        : ({ ...entry, row: { ...entry.row, ...names } } as Entry)
    })
}

function boundedName(max: number): (name: string, at: number) => string {
  /** When each was used last. */
  const known = new Map<string, number>()
  let oldest = Infinity
  return (name, at) => {
    if (!known.has(name) && known.size >= max) {
      if (oldest > at - forgetAfter) return otherName
      for (const [each, usedAt] of known) if (usedAt <= at - forgetAfter) known.delete(each)
      oldest = Math.min(...known.values())
      if (known.size >= max) return otherName
    }
    known.set(name, at)
    oldest = Math.min(oldest, at)
    return name
  }
}
