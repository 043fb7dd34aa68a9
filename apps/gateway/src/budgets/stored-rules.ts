import type { BudgetRule, BudgetScope } from '@spillway/budgets'
import type { ClientDocument, ClientSettings, StoredLimit } from '../clients/client-document.ts'

/** The budgets of clients as their documents say: those of a team are made once for all of its clients. */
export function rulesOf(
  teams: ClientDocument['teams'] = {},
): (name: string, client: Pick<ClientSettings, 'team' | 'limits'>) => readonly BudgetRule[] | undefined {
  const ofTeams = new Map<string, readonly BudgetRule[]>()
  const teamRules = (name: string): readonly BudgetRule[] => {
    let rules = ofTeams.get(name)
    if (rules === undefined) {
      const { limits } = Object.hasOwn(teams, name) ? (teams[name] ?? {}) : {}
      rules = toRules({ type: 'team', name }, limits)
      ofTeams.set(name, rules)
    }
    return rules
  }
  return (name, { team, limits }) => {
    const shared = team === undefined ? [] : teamRules(team)
    if (limits === undefined || limits.length === 0) return shared.length === 0 ? undefined : shared
    return [...toRules({ type: 'client', name }, limits), ...shared]
  }
}

/** Limits as they are written, for one scope. */
export function toRules(scope: BudgetScope, limits: readonly StoredLimit[] = []): readonly BudgetRule[] {
  return limits.map(({ id, unit, period, amount, hard, warnAt }) => ({
    id: id ?? `${unit} a ${period}`,
    ...{ scope, unit, period, amount, hard, warnAt },
  }))
}
