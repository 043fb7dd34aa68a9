import type { BudgetRule } from '@spillway/budgets'
import { RecentMap } from '@spillway/middleware/kit'
import type { Client } from '../clients/client-directory.ts'
import type { BudgetsConfig } from '../config/config.ts'
import { kindOf, toRules } from './stored-rules.ts'

/** Which budgets a call counts on. */
export interface CallRules {
  /**
   * Those of a caller: the same list for as long as nothing changes, so that what is made of it is made once. Undefined where there are none.
   * @param tenant what the caller is called in the books
   */
  of(client: Client | undefined, tenant: string | undefined): readonly BudgetRule[] | undefined
  /** Those of everyone together. */
  readonly all: readonly BudgetRule[]
  /** Goes on with another configuration. */
  use(config: BudgetsConfig | undefined): void
}

/** What those are called together who present no key. */
export const keyless = 'nobody'

/** Callers that a gateway without keys distinguishes; they choose how many they are. */
const mostTenants = 10_000

export function callRules(config: BudgetsConfig | undefined): CallRules {
  let all: readonly BudgetRule[] = []
  let each: BudgetsConfig['eachClient']
  let ofClients = new WeakMap<Client, { readonly rules: readonly BudgetRule[] | undefined }>()
  let ofTenants = new RecentMap<readonly BudgetRule[]>(mostTenants)
  const use = (next: BudgetsConfig | undefined): void => {
    all = toRules({ type: 'all' }, next?.all)
    each = next?.eachClient?.length === 0 ? undefined : next?.eachClient
    ofClients = new WeakMap()
    ofTenants = new RecentMap(mostTenants)
  }
  use(config)

  const rulesOf = (
    name: string,
    own: readonly BudgetRule[],
    exempt?: readonly string[],
  ): readonly BudgetRule[] => [...clientRules(name, own, each, exempt), ...all]

  return {
    of(client, tenant = keyless) {
      if (client === undefined) {
        if (each === undefined) return all.length === 0 ? undefined : all
        let rules = ofTenants.get(tenant)
        if (rules === undefined) {
          rules = rulesOf(tenant, [])
          ofTenants.set(tenant, rules)
        }
        return rules
      }
      if (client.budgets === undefined && each === undefined) return all.length === 0 ? undefined : all
      let known = ofClients.get(client)
      if (known === undefined) {
        const rules = rulesOf(client.name, client.budgets ?? [], client.exempt)
        known = { rules: rules.length === 0 ? undefined : rules }
        ofClients.set(client, known)
      }
      return known.rules
    },
    get all() {
      return all
    },
    use,
  }
}

/**
 * What holds for each caller holds where it has no limit of the same kind.
 * @param exempt kinds of which it has none
 */
export function clientRules(
  name: string,
  own: readonly BudgetRule[],
  each: BudgetsConfig['eachClient'],
  exempt: readonly string[] = [],
): readonly BudgetRule[] {
  const set = new Set([...exempt, ...own.filter(({ scope }) => scope.type === 'client').map(kindOf)])
  const missing = (each ?? []).filter((limit) => !set.has(kindOf(limit)))
  return [...own, ...toRules({ type: 'client', name }, missing)]
}
