import { type BudgetPeriod, type BudgetRule, type Budgets, meterOf, periodAt } from '@spillway/budgets'
import type { LedgerStore, TenantUse } from '@spillway/ledger'
import { type Clock, RecentMap, sleep } from '@spillway/middleware'
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
  let reads = new Map<BudgetPeriod, { readonly at: number; readonly use: Promise<readonly TenantUse[]> }>()
  let waiting = 0

  /** What was used in a period up to now. */
  const read = (period: BudgetPeriod): Promise<readonly TenantUse[]> => {
    const found = reads.get(period)
    if (found !== undefined && clock.now() - found.at < fresh) return found.use
    const now = clock.epoch()
    const use = ledger.tenantUse({ from: periodAt(period, now).start, to: now })
    reads = new Map([...reads, [period, { at: clock.now(), use }]])
    use.catch(() => reads.delete(period))
    return use
  }

  const load = async (rules: readonly BudgetRule[]): Promise<void> => {
    const openings = await Promise.all(
      rules.map(async (rule) => ({ rule, used: usedOf(rule, await read(rule.period), membersOf) })),
    )
    await engine.open(openings)
    for (const rule of rules) opened.set(meterOf(rule), true)
  }

  return {
    open(rules) {
      if (known.has(rules)) return undefined
      // A minute is over before anyone is the worse for it.
      const missing = rules.filter((rule) => rule.period !== 'minute' && !opened.get(meterOf(rule)))
      const isOpen = missing.length === 0
      if (isOpen) known.add(rules)
      if (isOpen) return undefined
      const late = new AbortController()
      const loading = load(missing).finally(() => late.abort())
      loading.catch(() => {})
      const until = sleep(clock, patience, late.signal).then(
        () => false,
        () => true,
      )
      return Promise.race([loading.then(() => true), until])
        .catch(() => false)
        .then((isLoaded) => {
          if (known.has(rules)) return
          known.add(rules)
          if (isLoaded) return
          if (waiting++ === 0)
            log('the ledger does not say what budgets have used before: they begin without it until it does')
          void again(missing, loading)
        })
    },
    get isWaiting() {
      return waiting > 0
    },
    close: () => closing.abort(new Error('the gateway stops')),
  }

  async function again(missing: readonly BudgetRule[], first: Promise<void>): Promise<void> {
    let loading = first
    while (!closing.signal.aborted) {
      const isLoaded = await loading.then(
        () => true,
        () => false,
      )
      if (isLoaded) break
      await sleep(clock, askAgain, closing.signal).catch(() => {})
      loading = load(missing)
    }
    if (--waiting === 0 && !closing.signal.aborted) log('budgets know again what was used before')
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
