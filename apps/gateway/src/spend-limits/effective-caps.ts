import type { WrittenLimit } from '../budgets/limit-text.ts'
import type { ClientDocument } from '../clients/client-document.ts'
import { type Cap, type CapPeriod, capId, capPeriodOf, centsOf } from './caps.ts'
import { spentCents } from './shown-cap.ts'

/** Whose cap it is: a client of the document, or another name that has used something. */
export interface Principal {
  readonly name: string
  readonly team: string | undefined
}

/** The clients that can be used, and people of whom something is set, by their names. */
export function principalsOf({ clients, people = {} }: ClientDocument): readonly Principal[] {
  const known = Object.entries(clients)
    .filter(([, { revokedAt }]) => revokedAt === undefined)
    .map(([name, { team }]) => ({ name, team }))
  const others = Object.keys(people)
    .filter((name) => !Object.hasOwn(clients, name))
    .map((name) => ({ name, team: undefined }))
  return [...known, ...others]
}

/** The cap that holds for a client: its own, else that of its team for each member, else that for each client. */
export function effectiveCap(
  caps: ReadonlyMap<string, Cap>,
  { name, team }: Principal,
  period: CapPeriod,
): Cap | undefined {
  const own = caps.get(capId({ type: 'user', user_id: name }, period))
  if (own !== undefined) return own
  const ofTeam =
    team === undefined ? undefined : caps.get(capId({ type: 'rbac_group', rbac_group_id: team }, period))
  // A team may have a budget for all of its members together, and none for each.
  if (ofTeam !== undefined && ofTeam.amount !== null) return ofTeam
  return caps.get(capId({ type: 'organization' }, period))
}

/** The cap that the configuration has for each client, which is none that can be changed here. */
export function configuredCap(
  limits: readonly WrittenLimit[] | undefined,
  period: CapPeriod,
): EffectiveCap | undefined {
  const found = limits?.find(
    (limit) => limit.unit === 'usd' && limit.hard && capPeriodOf(limit.period) === period,
  )
  return found && { amount: centsOf(found.amount), scope: { type: 'organization' }, id: null }
}

/** What is told of a cap that holds for a client. */
export interface EffectiveCap extends Pick<Cap, 'amount' | 'scope'> {
  readonly id: string | null
}

/** A line of `GET /v1/organizations/spend_limits/effective`. */
export function effectiveRow(
  principal: Principal,
  period: CapPeriod,
  cap: EffectiveCap | undefined,
  spentNano: number,
): object {
  const { name, team } = principal
  return {
    scope: { type: 'user', user_id: name },
    groups: team === undefined ? [] : [team],
    actor: { type: 'user_actor', user_id: name, name, email_address: null, deleted: false },
    amount: cap?.amount ?? null,
    currency: 'USD',
    period,
    source: cap?.scope ?? null,
    spend_limit_id: cap?.id ?? null,
    period_to_date_spend: spentCents(spentNano),
  }
}
