import type { OidcConfig } from '../config/oidc-config.ts'

/** What a token or the identity provider says of whoever has signed in. */
export type Claims = Readonly<Record<string, unknown>>

/** Who it is, as the claims tell. */
export interface Subject {
  /** As limits, books and logs have it. */
  readonly name: string
  readonly team: string | undefined
  readonly groups: readonly string[]
  /** Whether the identity provider has left the groups out, because there are too many. */
  readonly lacksGroups: boolean
}

/** What a claim does not suffice for. */
export interface ClaimProblem {
  readonly problem: string
}

const usualNames = ['email', 'preferred_username', 'client_id', 'azp', 'appid', 'sub']

/** Groups of one subject that are looked at. */
const mostGroups = 5_000

/** Names become keys and labels: printable, and of a length that each of these takes. */
const printable = /^[\x21-\x7e]{1,200}$/

/** Who has signed in, or why that cannot be told. */
export function subjectOf(
  claims: Claims,
  config: Pick<OidcConfig, 'claims' | 'requiredClaims'>,
): Subject | ClaimProblem {
  for (const [claim, expected] of Object.entries(config.requiredClaims ?? {})) {
    const value = claimAt(claims, claim)
    if (value !== expected && !(Array.isArray(value) && value.includes(expected)))
      return { problem: `the claim ${claim} is not as server.oidc.requiredClaims wants it` }
  }
  const { name: names = usualNames, groups = 'groups', team } = config.claims ?? {}
  const name = nameOf(claims, [names].flat())
  if (typeof name !== 'string') return name
  const places = [groups].flat()
  return {
    name,
    team: teamOf(team === undefined ? undefined : claimAt(claims, team)),
    groups: places.flatMap((claim) => textsIn(claimAt(claims, claim))).slice(0, mostGroups),
    lacksGroups: isOverage(claims, places),
  }
}

function nameOf(claims: Claims, places: readonly string[]): string | ClaimProblem {
  for (const claim of places) {
    const value = claimAt(claims, claim)
    if (typeof value !== 'string' || value === '') continue
    // An address that the identity provider has not checked may be anyone's.
    if (claim === 'email' && claims.email_verified === false) continue
    if (!printable.test(value))
      return {
        problem: `the claim ${claim} cannot be used as a name for limits and the ledger: expected at most 200 printable characters without spaces; let claims.name name another one`,
      }
    // Mail addresses differ in their spelling and mean the same; no client with a key has an @ in its name.
    return value.includes('@') ? value.toLowerCase() : `oidc:${value}`
  }
  return { problem: `none of the claims ${places.join(', ')} is there: let claims.name name one that is` }
}

function teamOf(value: unknown): string | undefined {
  const first = textsIn(value)[0]
  return first !== undefined && /^[\w .@/-]{1,64}$/.test(first) ? first : undefined
}

/** The claim of this name, or what the path leads to; names may have dots themselves, such as https://example.com/groups. */
export function claimAt(claims: Claims, path: string): unknown {
  let value: unknown = claims
  let rest = path
  while (typeof value === 'object' && value !== null) {
    if (Object.hasOwn(value, rest)) return (value as Claims)[rest]
    const dot = rest.indexOf('.')
    const step = rest.slice(0, dot)
    if (dot === -1 || !Object.hasOwn(value, step)) return undefined
    value = (value as Claims)[step]
    rest = rest.slice(dot + 1)
  }
  return undefined
}

function textsIn(value: unknown): readonly string[] {
  return [value].flat().filter((each): each is string => typeof each === 'string' && each !== '')
}

/** Entra ID names the groups' address in place of more than 200 groups. */
function isOverage({ _claim_names: elsewhere, hasgroups }: Claims, places: readonly string[]): boolean {
  if (hasgroups === true || hasgroups === 'true') return places.includes('groups')
  return (
    typeof elsewhere === 'object' &&
    elsewhere !== null &&
    places.some((claim) => Object.hasOwn(elsewhere, claim))
  )
}
