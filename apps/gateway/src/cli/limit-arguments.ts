import { InvalidArgumentError } from 'commander'
import { limitError, parseLimit } from '../budgets/limit-text.ts'
import type { StoredLimit } from '../clients/client-document.ts'

/** What a command line says of limits: each replaces that of the same kind; `none` removes all. */
export type LimitChange = StoredLimit | 'none'

/** Takes an option that may be given several times. */
export function limitChanges(text: string, before: readonly LimitChange[] = []): readonly LimitChange[] {
  return [...before, limitChange(text)]
}

function limitChange(text: string): LimitChange {
  if (text === 'none') return 'none'
  const [, unit, period] = /^(usd|tokens|requests)=none\/(minute|day|week|month)$/.exec(text) ?? []
  if (unit !== undefined) return { unit, period, amount: null, hard: true } as StoredLimit
  const parsed = parseLimit(text)
  if (typeof parsed !== 'string') return parsed
  throw new InvalidArgumentError(
    parsed === limitError
      ? `${parsed}; "usd=none/month" for no limit of a kind, "none" for what is inherited.`
      : `${parsed}.`,
  )
}

/** Limits with what was asked for; undefined where there are none left. */
export function withLimits(
  before: readonly StoredLimit[] | undefined,
  changes: readonly LimitChange[],
  now: number,
): readonly StoredLimit[] | undefined {
  let limits = before ?? []
  for (const change of changes) {
    if (change === 'none') {
      limits = []
      continue
    }
    const isSame = (each: StoredLimit): boolean =>
      each.unit === change.unit && each.period === change.period && each.hard === change.hard
    const createdAt = limits.find(isSame)?.createdAt ?? now
    // No limit of a kind is neither a hard nor a soft one.
    const isReplaced = (each: StoredLimit): boolean =>
      isSame(each) || (change.amount === null && each.unit === change.unit && each.period === change.period)
    limits = [...limits.filter((each) => !isReplaced(each)), { ...change, createdAt, updatedAt: now }]
  }
  return limits.length === 0 ? undefined : limits
}
