/** What stands for the values beyond the bound, as in the conventions' `error.type`. */
export const otherLabel = '_OTHER'

/**
 * Keeps a metric's label to so many values: callers choose the names of models, and each new value of a label is a time
 * series for ever. The first `limit` values pass, all later ones become {@link otherLabel}.
 */
export function boundedLabel(limit: number): (value: string) => string {
  const seen = new Set<string>()
  return (value) => {
    if (seen.has(value)) return value
    if (seen.size >= limit) return otherLabel
    seen.add(value)
    return value
  }
}
