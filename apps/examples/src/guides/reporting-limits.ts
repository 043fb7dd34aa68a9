import type { LimitStore } from '@spillway/rate-limit'

/** Counts limits in another store, and reports when a vendor's 429 closes one. */
export function reportingLimits(inner: LimitStore, report: (line: string) => void): LimitStore {
  return {
    open(key, limits, rules) {
      const admission = inner.open(key, limits, rules)
      const closeUntil = admission.closeUntil.bind(admission)
      admission.closeUntil = (at, now, group) => {
        report(`a 429 closes the limits of ${group ?? 'all models'} for ${at - now} ms`)
        closeUntil(at, now, group)
      }
      return admission
    },
  }
}
