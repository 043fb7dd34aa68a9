import type { AttemptRow } from '@spillway/ledger'
import type { ObservedValue } from '@spillway/telemetry'

/** What attempts cost, by target and by whether it is an estimate. Whole nano-dollars, since sums of them are exact. */
export interface CostCounter {
  add(attempt: Pick<AttemptRow, 'target' | 'estimated' | 'cost_nano'>): void
  readonly values: Readonly<Record<'spillway.cost.nano_usd', ObservedValue>>
}

export function costCounter(): CostCounter {
  const exact = new Map<string | null, number>()
  const estimates = new Map<string | null, number>()
  const told = (sums: typeof exact, isEstimated: boolean) =>
    [...sums].map(([target, value]) => ({
      value,
      attributes: { 'spillway.target': target ?? undefined, 'spillway.usage.estimated': isEstimated },
    }))
  return {
    add({ target, estimated, cost_nano }) {
      if (cost_nano === null || cost_nano === 0) return
      const sums = estimated === 1 ? estimates : exact
      sums.set(target, (sums.get(target) ?? 0) + cost_nano)
    },
    values: {
      'spillway.cost.nano_usd': {
        kind: 'counter',
        description: 'What all attempts cost, in billionths of a US dollar; also of those that failed',
        read: () => [...told(exact, false), ...told(estimates, true)],
      },
    },
  }
}
