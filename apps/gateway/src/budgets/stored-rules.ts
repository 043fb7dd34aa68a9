import type { BudgetRule, BudgetScope } from '@spillway/budgets'
import type { ClientDocument, ClientSettings, StoredLimit } from '../clients/client-document.ts'

/**
 * The budgets of clients as their documents say: their own, what they inherit, and those of their team, which are made once for all of its
 * clients.
 */
export function rulesOf({
  teams = {},
  eachClient = [],
}: Pick<ClientDocument, 'teams' | 'eachClient'>): (
  name: string,
  client: Pick<ClientSettings, 'team' | 'limits'>,
) => ClientBudgets {
  const known = new Map<string, Team>()
  const teamOf = (name: string): Team => {
    let team = known.get(name)
    if (team === undefined) {
      const { limits, eachMember = [] } = Object.hasOwn(teams, name) ? (teams[name] ?? {}) : {}
      team = {
        rules: toRules({ type: 'team', name }, limits),
        eachMember: inheriting(eachMember, eachClient),
      }
      known.set(name, team)
    }
    return team
  }
  const without: Team = { rules: [], eachMember: eachClient }
  return (name, { team, limits = [] }) => {
    const { rules, eachMember } = team === undefined ? without : teamOf(team)
    const all = inheriting(limits, eachMember)
    const none = all.filter(({ amount }) => amount === null).map(kindOf)
    const exempt = none.length === 0 ? undefined : none
    const own = toRules({ type: 'client', name }, all)
    if (own.length === 0) return { budgets: rules.length === 0 ? undefined : rules, exempt }
    return { budgets: [...own, ...rules], exempt }
  }
}

/** What documents say of a client's budgets. */
export interface ClientBudgets {
  /** Undefined where there are none. */
  readonly budgets: readonly BudgetRule[] | undefined
  /** Kinds of which it has no limit, whatever holds for each client. */
  readonly exempt: readonly string[] | undefined
}

/** What limits replace each other: `usd month`. */
export const kindOf = ({ unit, period }: Pick<StoredLimit, 'unit' | 'period'>): string => `${unit} ${period}`

interface Team {
  readonly rules: readonly BudgetRule[]
  /** With what all clients have. */
  readonly eachMember: readonly StoredLimit[]
}

/** Limits, and those of others for which there is none of the same unit and period. */
export function inheriting<T extends Pick<StoredLimit, 'unit' | 'period'>>(
  own: readonly T[],
  others: readonly T[],
): readonly T[] {
  if (others.length === 0) return own
  const set = new Set(own.map(kindOf))
  return [...own, ...others.filter((other) => !set.has(kindOf(other)))]
}

/** Limits as they are written, for one scope; those of no amount are none. */
export function toRules(scope: BudgetScope, limits: readonly StoredLimit[] = []): readonly BudgetRule[] {
  return limits.flatMap(({ id, unit, period, amount, hard, warnAt }) =>
    amount === null
      ? []
      : [{ id: id ?? `${unit} a ${period}`, ...{ scope, unit, period, amount, hard, warnAt } }],
  )
}
