import { hash as digest, randomBytes } from 'node:crypto'
import type { BudgetRule } from '@spillway/budgets'
import type { Clock } from '@spillway/middleware'
import { rulesOf } from '../budgets/stored-rules.ts'
import { globMatcher } from '../glob.ts'
import { priorityOf } from '../shedding/priority.ts'
import type { ClientDocument, ClientSettings, StoredClient } from './client-document.ts'
import { type ClientHash, hashedWith } from './client-hash.ts'
import { kindOfKey } from './client-key.ts'
import type { ClientStore } from './client-store.ts'
import { type Permission, permissionsOf } from './permissions.ts'
import { openRevocations } from './revocations.ts'

/** Who calls, as their key says. */
export interface Client {
  readonly name: string
  readonly team: string | undefined
  readonly permissions: ReadonlySet<Permission>
  /** Undefined where it may use all models. */
  readonly mayUse: ((model: string) => boolean) | undefined
  /** As they are written, for errors. */
  readonly models: readonly string[] | undefined
  readonly maxTokens: number | undefined
  /** Its own and its team's; the same list for as long as they do not change. Undefined where there are none. */
  readonly budgets?: readonly BudgetRule[] | undefined
  /** Kinds of limits that hold for each client and not for this one. */
  readonly exempt?: readonly string[] | undefined
  /** How important its calls are; undefined where nothing is set. */
  readonly priority?: number | undefined
  /** Undefined where all targets may serve it. */
  readonly mayReach?: ((target: string) => boolean) | undefined
  /** As they are written, for errors. */
  readonly targets?: readonly string[] | undefined
  /** Its permissions by the names that it was given, for errors. */
  readonly given?: readonly string[] | undefined
}

/** `mistyped` and `foreign` are found without looking anything up; `unknown` is all else, revoked and expired keys too. */
export type KeyProblem = 'mistyped' | 'foreign' | 'unknown'

/** The clients of a running gateway. */
export interface ClientDirectory {
  /** The client that a key belongs to now, or why there is none. */
  check(key: string): Client | KeyProblem
  /** The client that a key belongs to whenever it is asked, without the key: undefined once that has ended. */
  holderOf(key: string): () => Client | undefined
  /** The client of a key with this hash now. */
  withHash(hash: string): Client | undefined
  /** When a key of a client was last taken here; undefined where that was not since the start. */
  lastUsed(name: string): number | undefined
  /** All that were ever in a team and are known, those that are revoked too: what they have used is the team's. */
  membersOf(team: string): readonly string[]
  /** Clients that are not revoked. */
  readonly size: number
  /** What is set beside the clients with keys; another object when they were read again. */
  readonly besides: Pick<ClientDocument, 'teams' | 'eachClient' | 'people' | 'signedOut'>
  /** Whether the clients in use may not be the newest. */
  readonly isStale: boolean
  /**
   * Calls a listener when a client is revoked, within a second.
   * @returns what forgets the listener
   */
  whenRevoked(name: string, listener: () => void): () => void
  /** Reads the clients again where they have changed. Never rejects. */
  refresh(): Promise<void>
  close(): Promise<void>
}

export interface DirectoryOptions {
  readonly store: Pick<ClientStore, 'name' | 'load' | 'revision'> & Partial<Pick<ClientStore, 'close'>>
  readonly hash: ClientHash
  readonly clock: Clock
  /** Told when clients cannot be read any more, and when they can again. */
  readonly log: (line: string) => void
  /** How often it is looked whether they have changed, in milliseconds. @default 500 */
  readonly checkEvery?: number
}

/** A key that is not revoked, and until when it is valid. */
interface Entry {
  readonly client: Client
  readonly until: number
}

/**
 * Reads the clients, and follows what changes them. What cannot be read leaves those in use as they are.
 * @throws Error where they cannot be read, or were hashed with another secret
 */
export async function openDirectory(options: DirectoryOptions): Promise<ClientDirectory> {
  const { store, hash, clock, log, checkEvery = 500 } = options
  let revision = await store.revision()
  let { entries, size, besides, members } = entriesOf(hashedWith(await store.load(), hash, store.name))
  /**
   * By a digest, which takes 1 µs, where an HMAC takes 7. With a secret salt, short enough for one block, so that the time of a
   * look-up tells nothing; only of valid keys, so that it holds no more than there are.
   */
  const salt = randomBytes(7).toString('base64url')
  let checked = new Map<string, Entry>()
  /** By the names of clients; those that are revoked stay. */
  const uses = new Map<string, number>()
  const revocations = openRevocations()
  let isStale = false
  let isClosed = false
  let cancel = (): void => {}

  const refresh = async (): Promise<void> => {
    try {
      const now = await store.revision()
      if (now === revision && !isStale) return
      if (now === undefined) throw new Error(`${store.name} is not there any more`)
      const document = hashedWith(await store.load(), hash, store.name)
      ;({ entries, size, besides, members } = entriesOf(document))
      revision = now
      checked = new Map()
      revocations.look(document)
      if (isStale) log(`${store.name} can be read again`)
      isStale = false
    } catch (error) {
      if (!isStale) log(`the clients stay as they were read last: ${(error as Error).message}`)
      isStale = true
    }
  }
  const follow = (): void => {
    cancel = clock.setTimer(checkEvery, () => void refresh().then(() => isClosed || follow()))
  }
  follow()

  const current = (hashed: string): Client | undefined => {
    const entry = entries.get(hashed)
    return entry !== undefined && clock.epoch() < entry.until ? entry.client : undefined
  }

  return {
    check(key) {
      const quick = digest('sha256', salt + key, 'base64')
      let entry = checked.get(quick)
      if (entry === undefined) {
        const kind = kindOfKey(key)
        if (kind !== 'key') return kind
        entry = entries.get(hash.of(key))
        if (entry === undefined) return 'unknown'
        checked.set(quick, entry)
      }
      const now = clock.epoch()
      if (now >= entry.until) return 'unknown'
      uses.set(entry.client.name, now)
      return entry.client
    },
    lastUsed: (name) => uses.get(name),
    withHash: current,
    holderOf(key) {
      const hashed = hash.of(key)
      return () => current(hashed)
    },
    membersOf: (team) => members.get(team) ?? [],
    get size() {
      return size
    },
    get besides() {
      return besides
    },
    get isStale() {
      return isStale
    },
    whenRevoked: revocations.when,
    refresh,
    async close() {
      isClosed = true
      cancel()
      await store.close?.()
    },
  }
}

interface Entries {
  readonly entries: Map<string, Entry>
  readonly size: number
  readonly besides: ClientDirectory['besides']
  /** By team. */
  readonly members: Map<string, string[]>
}

function entriesOf(document: ClientDocument): Entries {
  const { clients, teams, eachClient, people, signedOut } = document
  const members = new Map<string, string[]>()
  const entries = new Map<string, Entry>()
  const makeClient = clientMaker({ teams, eachClient })
  let size = 0
  for (const [name, stored] of Object.entries(clients)) {
    if (stored.team !== undefined) {
      const ofTeam = members.get(stored.team)
      if (ofTeam === undefined) members.set(stored.team, [name])
      else ofTeam.push(name)
    }
    if (stored.revokedAt !== undefined) continue
    size++
    const { expiresAt = Infinity } = stored
    const client = makeClient(name, stored)
    for (const key of stored.keys)
      entries.set(key.hash, { client, until: Math.min(expiresAt, key.until ?? Infinity) })
  }
  return { entries, size, members, besides: { teams, eachClient, people, signedOut } }
}

/** Makes clients of their settings. Sets of permissions and globs are the same for many: each is made once. */
export function clientMaker(
  document: Pick<ClientDocument, 'teams' | 'eachClient'> = {},
): (name: string, settings: ClientSettings) => Client {
  const permissionSets = shared(permissionsOf)
  const matchers = shared(matcherOf)
  const rules = rulesOf(document)
  return (name, settings) => {
    const { team, permissions, models, maxTokens, targets } = settings
    return {
      ...{ name, team, models, maxTokens, targets, given: permissions },
      permissions: permissionSets(permissions),
      mayUse: models && matchers(models),
      ...rules(name, settings),
      priority: priorityOf(settings.priority),
      mayReach: targets && matchers(targets),
    }
  }
}

function matcherOf(globs: readonly string[]): (name: string) => boolean {
  const matchers = globs.map(globMatcher)
  return (name) => matchers.some((matches) => matches(name))
}

function shared<T>(make: (texts: readonly string[]) => T): (texts: readonly string[]) => T {
  const made = new Map<string, T>()
  return (texts) => {
    const name = texts.join('\n')
    const known = made.get(name)
    if (known !== undefined) return known
    const one = make(texts)
    made.set(name, one)
    return one
  }
}

/** Whether a client can be used at a time, for lists. */
export function stateOf(
  { revokedAt, expiresAt }: StoredClient,
  now: number,
): 'active' | 'expired' | 'revoked' {
  if (revokedAt !== undefined) return 'revoked'
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'active'
}
