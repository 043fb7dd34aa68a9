import { type BudgetPeriod, type BudgetUnit, budgetPeriods, budgetUnits } from '@spillway/budgets'
import { type Priority, priorityOf } from '../shedding/priority.ts'
import { ClientsError } from './clients-error.ts'

/** A key of a client, as it is kept: what it was cannot be found from it. */
export interface StoredKey {
  /** HMAC-SHA-256 with the secret of the installation, in base64url. */
  readonly hash: string
  /** The first characters of the key, for people. */
  readonly prefix: string
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly createdAt: number
  /** When it ends, where another one has replaced it. */
  readonly until?: number | undefined
}

/** What a client, or a team together, may use in each period. */
export interface StoredLimit {
  readonly unit: BudgetUnit
  readonly period: BudgetPeriod
  /** A whole number; of `usd` in nano-dollars. null: no limit, whatever holds for each member of the team and for each client. */
  readonly amount: number | null
  /** Whether calls beyond it are refused. Otherwise it only warns. */
  readonly hard: boolean
  /** The share of the amount at which it warns. */
  readonly warnAt?: number | undefined
  /** For people and the API; what has been used does not depend on it. */
  readonly id?: string | undefined
  readonly createdAt?: number | undefined
  readonly updatedAt?: number | undefined
}

/** What is set of a client. */
export interface ClientSettings {
  readonly team?: string | undefined
  readonly permissions: readonly string[]
  /** Globs; a client may use the models that one of them matches. Undefined: all models. */
  readonly models?: readonly string[] | undefined
  /** The largest `max_tokens` of a call. */
  readonly maxTokens?: number | undefined
  /** Globs of names; the targets of the configuration that may serve it. Undefined: all targets. */
  readonly targets?: readonly string[] | undefined
  /** When all of its keys end. */
  readonly expiresAt?: number | undefined
  readonly limits?: readonly StoredLimit[] | undefined
  /** How important its calls are. Undefined: interactive. */
  readonly priority?: Priority | undefined
}

/** What is set of a team: it has the clients that name it. */
export interface StoredTeam {
  /** For all of its clients together. */
  readonly limits?: readonly StoredLimit[] | undefined
  /** For each of its clients that has no limit of the same unit and period. */
  readonly eachMember?: readonly StoredLimit[] | undefined
}

/** What is set of someone who presents tokens of the identity provider. */
export interface StoredPerson {
  readonly limits?: readonly StoredLimit[] | undefined
}

export interface StoredClient extends ClientSettings {
  readonly createdAt: number
  readonly revokedAt?: number | undefined
  /** The newest first. */
  readonly keys: readonly StoredKey[]
}

/** All clients of an installation. */
export interface ClientDocument {
  readonly format: 1
  /** Identifies the secret that hashes are made with; undefined while there is no client. */
  readonly hashedWith?: string | undefined
  readonly clients: Readonly<Record<string, StoredClient>>
  /** By their names; teams of which nothing is set are not here. */
  readonly teams?: Readonly<Record<string, StoredTeam>> | undefined
  /** Names of people and services whose tokens from before a time are refused, with that time. */
  readonly signedOut?: Readonly<Record<string, number>> | undefined
  /** By the names that their calls are booked under. */
  readonly people?: Readonly<Record<string, StoredPerson>> | undefined
  /** For each client that has no limit of the same unit and period, and whose team has none for each of its members. */
  readonly eachClient?: readonly StoredLimit[] | undefined
}

export const emptyClients: ClientDocument = { format: 1, clients: {} }

export function encodeClients(document: ClientDocument): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document, null, 1)}\n`)
}

/**
 * @param where for errors
 * @throws ClientsError when the bytes are no document of clients
 */
export function decodeClients(bytes: Uint8Array, where: string): ClientDocument {
  try {
    const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as ClientDocument
    const { format, clients, teams = {}, signedOut = {}, people = {}, eachClient } = parsed
    if (format === 1 && [clients, teams, signedOut, people].every(isMapping))
      if (
        Object.values(clients).every(isClient) &&
        Object.values(teams).every(isTeam) &&
        areLimits(eachClient)
      )
        if (Object.values(signedOut).every(Number.isFinite) && Object.values(people).every(isTeam))
          return parsed
  } catch {
    // The parser quotes what it reads.
  }
  throw new ClientsError(`${where} holds no clients, or was written by a newer version of Spillway`)
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTime = (value: unknown): boolean => value === undefined || Number.isFinite(value)

const areTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

/** Everything that decides about access: a value of another type must not count as none. */
function isClient(client: unknown): boolean {
  if (!isMapping(client)) return false
  const { permissions, models, targets, maxTokens, expiresAt, revokedAt, priority, keys, limits } = client
  return (
    areLimits(limits) &&
    areTexts(permissions) &&
    [models, targets].every((globs) => globs === undefined || areTexts(globs)) &&
    [maxTokens, expiresAt, revokedAt].every(isTime) &&
    (priority === undefined || priorityOf(priority) !== undefined) &&
    Array.isArray(keys) &&
    keys.every((key) => isMapping(key) && typeof key.hash === 'string' && isTime(key.until))
  )
}

const isTeam = (team: unknown): boolean =>
  isMapping(team) && areLimits(team.limits) && areLimits(team.eachMember)

const areLimits = (limits: unknown): boolean =>
  limits === undefined || (Array.isArray(limits) && limits.every(isLimit))

/** A limit that cannot be kept must not count as none. */
function isLimit(limit: unknown): boolean {
  if (!isMapping(limit)) return false
  const { unit, period, amount, hard, warnAt } = limit
  return (
    budgetUnits.includes(unit as BudgetUnit) &&
    budgetPeriods.includes(period as BudgetPeriod) &&
    (amount === null || (Number.isSafeInteger(amount) && (amount as number) >= 0)) &&
    typeof hard === 'boolean' &&
    (warnAt === undefined || (typeof warnAt === 'number' && warnAt > 0 && warnAt <= 1))
  )
}
