import { existsSync } from 'node:fs'
import { type BudgetPeriod, type BudgetUnit, periodAt } from '@spillway/budgets'
import { amountIn, timeIn } from '../budgets/budget-words.ts'
import { limitText } from '../budgets/limit-text.ts'
import type { StoredLimit } from '../clients/client-document.ts'
import type { Config } from '../config/config.ts'

/** What clients have used in the current periods, as the ledger has it. */
export interface LimitUsage {
  /** Undefined where it is not known. */
  of(names: readonly string[], unit: BudgetUnit, period: BudgetPeriod): number | undefined
}

export const unknownUsage: LimitUsage = { of: () => undefined }

/** Clients of which the ledger is asked. */
const mostClients = 1_000

/** Reads the ledger of a configuration; what does not answer is told, and is unknown then. */
export async function readLimitUsage(config: Config | undefined, now: number): Promise<LimitUsage> {
  const url = config?.storage?.url
  if (url === undefined) return unknownUsage
  try {
    const [{ openLedgerStore }, { storageUrl }] = await Promise.all([
      import('@spillway/ledger'),
      import('../ledger/books.ts'),
    ])
    const named = storageUrl(url)
    if (named.startsWith('sqlite:') && !existsSync(named.slice('sqlite:'.length))) return unknownUsage
    const store = openLedgerStore(named)
    try {
      const periods = ['minute', 'day', 'week', 'month'] as const
      const sums = await Promise.all(
        periods.map(async (period) => {
          const { start } = periodAt(period, now)
          const { rows } = await store.largestTotals('tenant', { from: start, to: now + 1 }, mostClients)
          return [period, new Map(rows.map((row) => [row.key, row]))] as const
        }),
      )
      const byPeriod = new Map(sums)
      return {
        of(names, unit, period) {
          let used = 0
          for (const name of names) {
            const row = byPeriod.get(period)?.get(name)
            if (row === undefined) continue
            const { input, output, cacheRead, cacheWrite } = row.tokens
            if (unit === 'usd') used += Number(row.costNano)
            else used += unit === 'requests' ? row.calls : input + output + cacheRead + cacheWrite
          }
          return used
        },
      }
    } finally {
      await store.close()
    }
  } catch (error) {
    console.error(`what is used of the limits is not known: ${(error as Error).message}`)
    return unknownUsage
  }
}

/** `usd=50/month: $41.20 used, $8.80 left, resets 2026-12-01 00:00 UTC` */
export function limitLine(limit: StoredLimit, used: number | undefined, now: number): string {
  const { unit, period, amount } = limit
  if (amount === null) return `${unit}=none/${period}`
  const text = limitText({ ...limit, amount })
  if (used === undefined) return text
  const left = Math.max(0, amount - used)
  return `${text}: ${amountIn(unit, used)} used, ${amountIn(unit, left)} left, resets ${timeIn(periodAt(period, now).end)}`
}

/** `usd=50/month 82%` */
export function shortLimit(limit: StoredLimit, used: number | undefined): string {
  const { unit, period, amount } = limit
  if (amount === null) return `${unit}=none/${period}`
  const share = used === undefined || amount === 0 ? '' : ` ${Math.floor((used / amount) * 100)}%`
  return `${limitText({ unit, period, amount, hard: limit.hard })}${share}`
}

/** For programs; USD in dollars. */
export function shownLimit(limit: StoredLimit, used: number | undefined, now: number): object {
  const { unit, period, amount, hard, warnAt = null } = limit
  const number = (value: number | null | undefined): number | null =>
    value === null || value === undefined ? null : unit === 'usd' ? value / 1e9 : value
  return {
    ...{ unit, period, amount: number(amount), hard, warnAt, used: number(used) },
    resetsAt: new Date(periodAt(period, now).end).toISOString(),
  }
}
