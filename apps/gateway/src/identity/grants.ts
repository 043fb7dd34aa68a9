import { RecentMap } from '@spillway/middleware/kit'
import { inheriting } from '../budgets/stored-rules.ts'
import { type Client, clientMaker } from '../clients/client-directory.ts'
import type { ClientDocument, StoredLimit } from '../clients/client-document.ts'
import { permissionsOf } from '../clients/permissions.ts'
import type { GrantConfig, OidcConfig } from '../config/oidc-config.ts'
import type { ClaimProblem, Subject } from './claims.ts'
import { type ManagedSettings, managedSettings } from './managed-settings.ts'

/** A client that has signed in at the identity provider, or presents a token of it. */
export interface SignedIn {
  readonly client: Client
  /** Those of its groups that the configuration names. */
  readonly groups: readonly string[]
  /** Of Claude Code; undefined where none are configured. */
  readonly settings: ManagedSettings | undefined
}

/** Says what subjects may do. */
export type Grants = (subject: Subject) => SignedIn | ClaimProblem

/** Clients of subjects that are remembered, so that limits of one are the same objects with each of its tokens. */
const remembered = 10_000

/**
 * By the groups that a subject is in, in the order of the configuration.
 * @param besides limits of teams, of each client and of people; other ones need other grants
 */
export function grantsOf(
  { groups = {}, people = {}, everyone }: Pick<OidcConfig, 'groups' | 'people' | 'everyone'>,
  besides: Pick<ClientDocument, 'teams' | 'eachClient' | 'people'> = {},
): Grants {
  const byName = new Map(Object.entries(people).map(([name, grant]) => [name.toLowerCase(), grant]))
  const makeClient = clientMaker(besides)
  const settingsOf = new Map<GrantConfig, ManagedSettings>()
  for (const grant of [...Object.values(groups), ...byName.values(), everyone])
    if (grant?.settings !== undefined) settingsOf.set(grant, managedSettings(grant.settings))
  const known = new RecentMap<SignedIn>(remembered)

  const limitsOf = (name: string, granted: readonly StoredLimit[] = []): readonly StoredLimit[] => {
    const { people: stored = {} } = besides
    const own = Object.hasOwn(stored, name) ? stored[name]?.limits : undefined
    return own === undefined ? granted : inheriting(own, granted)
  }

  const join = (
    { name, team }: Subject,
    matched: readonly string[],
    all: readonly GrantConfig[],
  ): SignedIn => {
    // One that allows no calls, such as that of operators, does not widen which models calls may use.
    const calling = all.filter(allowsCalls)
    const first = <K extends keyof GrantConfig>(key: K): GrantConfig[K] | undefined =>
      all.find((grant) => grant[key] !== undefined)?.[key]
    const withSettings = all.find(({ settings }) => settings !== undefined)
    return {
      client: makeClient(name, {
        permissions: [...new Set(all.flatMap(({ permissions }) => permissions))],
        team: team ?? first('team'),
        models: unlessAny(calling.map(({ models }) => models))?.flat(),
        targets: unlessAny(calling.map(({ targets }) => targets))?.flat(),
        maxTokens: maxOf(unlessAny(calling.map(({ maxTokens }) => maxTokens))),
        limits: limitsOf(name, first('limits')),
        priority: first('priority'),
      }),
      groups: matched,
      settings: withSettings && settingsOf.get(withSettings),
    }
  }
  return (subject) => {
    const theirs = new Set(subject.groups)
    const matched = Object.keys(groups).filter((name) => theirs.has(name))
    const own = byName.get(subject.name.replace(/^oidc:/, '').toLowerCase())
    const all = [...matched.map((name) => groups[name]), own, everyone].filter((grant) => grant !== undefined)
    if (all.length === 0) return { problem: whyNothing(subject) }
    const key = JSON.stringify([subject.name, subject.team, matched])
    const signedIn = known.get(key) ?? join(subject, matched, all)
    known.set(key, signedIn)
    return signedIn
  }
}

const isOfCalls = (permission: string): boolean =>
  permission.startsWith('call:') || permission === 'batches' || permission === 'files'

function allowsCalls({ permissions }: GrantConfig): boolean {
  return [...permissionsOf(permissions)].some(isOfCalls)
}

/** Undefined where one of the grants sets no limit, and where there is none. */
function unlessAny<T>(limits: readonly (T | undefined)[]): readonly T[] | undefined {
  const set = limits.filter((limit) => limit !== undefined)
  return set.length === 0 || set.length < limits.length ? undefined : set
}

const maxOf = (limits: readonly number[] | undefined): number | undefined => limits && Math.max(...limits)

function whyNothing({ name, groups, lacksGroups }: Subject): string {
  if (lacksGroups)
    return `the identity provider has left out the groups of ${name}, because there are too many: let it send only the groups that are assigned to the application, or use roles (claims.groups: roles)`
  if (groups.length === 0) return `the token of ${name} tells no groups, and nothing is allowed without one`
  return `none of the groups of ${name} is allowed anything here`
}
