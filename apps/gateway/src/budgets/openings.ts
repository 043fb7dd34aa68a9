import { type BudgetPeriod, type BudgetRule, type Budgets, meterOf, periodAt } from '@spillway/budgets'
import type { LedgerStore, TenantUse } from '@spillway/ledger'
import { type Clock, sleep } from '@spillway/middleware'
import { RecentMap } from '@spillway/middleware/kit'
import { keyless } from './call-rules.ts'

/** What was used before this gateway counted, as the ledger has it. */
export interface Openings {
  /**
   * Sees to it that budgets begin with what was used in their current periods already. Undefined where they do; else resolves when they do,
   * or when the ledger does not answer in time: then calls go on, and it is asked again until it does.
   */
  open(rules: readonly BudgetRule[]): Promise<void> | undefined
  /** Whether some budgets do not know yet what was used before. */
  readonly isWaiting: boolean
  close(): void
}

interface Read {
  /** When it was asked, in `clock.now()` time, and up to which time, since the Unix epoch. */
  readonly at: number
  readonly to: number
  readonly use: Promise<readonly TenantUse[]>
}

export interface OpeningsOptions {
  readonly engine: Pick<Budgets, 'open'>
  readonly ledger: Pick<LedgerStore, 'tenantUse'>
  readonly membersOf: (team: string) => readonly string[]
  readonly clock: Clock
  readonly log: (line: string) => void
}

/** How long a call waits for the ledger, in milliseconds. */
const patience = 2_000
/** How long what was read of the ledger holds for further budgets, in milliseconds. */
const fresh = 5_000
/** How long until a ledger that has not answered is asked again, in milliseconds. */
const askAgain = 10_000
/** Meters that are remembered to be open; opening one again changes nothing. */
const mostMeters = 1_000_000

export function ledgerOpenings({ engine, ledger, membersOf, clock, log }: OpeningsOptions): Openings {
  const known = new WeakSet<readonly BudgetRule[]>()
  const opened = new RecentMap<true>(mostMeters)
  const closing = new AbortController()
  const reads = new Map<BudgetPeriod, Read>()
  let waiting = 0
  /** When the ledger began not to answer: what is used from then on is counted here. */
  let awaySince = 0

  /** What was used in the current period up to a time. */
  const read = (period: BudgetPeriod, to: number): Promise<readonly TenantUse[]> => {
    const found = reads.get(period)
    const isFresh = found !== undefined && clock.now() - found.at < fresh
    if (isFresh && Math.abs(to - found.to) < fresh) return found.use
    const use = ledger.tenantUse({ from: periodAt(period, to).start, to })
    reads.set(period, { at: clock.now(), to, use })
    // While it is unavailable all share its refusal, too.
    use.catch(() => {})
    return use
  }

  const load = async (rules: readonly BudgetRule[], to: number): Promise<void> => {
    const openings = await Promise.all(
      rules.map(async (rule) => ({ rule, used: usedOf(rule, await read(rule.period, to), membersOf) })),
    )
    await engine.open(openings)
    for (const rule of rules) opened.set(meterOf(rule), true)
  }

  return {
    open(rules) {
      if (known.has(rules)) return undefined
      // A minute is over before anyone is the worse for it.
      const missing = rules.filter((rule) => rule.period !== 'minute' && !opened.get(meterOf(rule)))
      if (missing.length === 0) {
        known.add(rules)
        return undefined
      }
      const late = new AbortController()
      const to = waiting > 0 ? awaySince : clock.epoch()
      const loading = load(missing, to).finally(() => late.abort())
      const loaded = loading.then(
        () => true,
        () => false,
      )
      const until = sleep(clock, patience, late.signal).then(
        () => false,
        () => loaded,
      )
      return Promise.race([loaded, until]).then((isLoaded) => {
        if (known.has(rules)) return
        known.add(rules)
        if (isLoaded) return
        if (waiting++ === 0) {
          awaySince = to
          log('the ledger does not say what budgets have used before: they begin without it until it does')
        }
        void again(missing, to, loading)
      })
    },
    get isWaiting() {
      return waiting > 0
    },
    close: () => closing.abort(new Error('the gateway stops')),
  }

  async function again(missing: readonly BudgetRule[], to: number, first: Promise<void>): Promise<void> {
    let loading = first
    for (;;) {
      const isLoaded = await loading.then(
        () => true,
        () => false,
      )
      if (isLoaded) break
      await sleep(clock, askAgain, closing.signal).catch(() => {})
      if (closing.signal.aborted) return
      loading = load(missing, to)
    }
    if (--waiting === 0) log('budgets know again what was used before')
  }
}

/** What counts on a rule. Shadow calls are the operator's, and count on the whole alone. */
function usedOf(
  { scope, unit }: BudgetRule,
  use: readonly TenantUse[],
  membersOf: (team: string) => readonly string[],
): number {
  const names = scope.type === 'client' ? [scope.name] : scope.type === 'team' ? membersOf(scope.name) : []
  const counted = new Set(names.map((name) => (name === keyless ? '' : name)))
  let used = 0
  for (const { tenant, isShadow, requests, tokens, costNano } of use) {
    if (scope.type !== 'all' && (isShadow || !counted.has(tenant))) continue
    used += unit === 'requests' ? requests : unit === 'tokens' ? tokens : Number(costNano)
  }
  return used
}
