import { added, changed, revoked, rotated } from '../../../gateway/src/clients/client-changes.ts'
import type { ClientSettings } from '../../../gateway/src/clients/client-document.ts'
import { clientHash, hashedWith } from '../../../gateway/src/clients/client-hash.ts'
import { newClientKey, prefixOf } from '../../../gateway/src/clients/client-key.ts'
import { type ClientStore, fileClientStore } from '../../../gateway/src/clients/client-store.ts'
import { type Permission, permissionsOf } from '../../../gateway/src/clients/permissions.ts'
import type { Dice } from '../fuzz/dice.ts'

/**
 * How long after a change the gateway may still do as before, in milliseconds: a second, but for pauses of a machine that is busy. That
 * it is a second is tested by itself.
 */
export const settling = 8_000

/** A key, and when it has begun and ended to be one. */
export interface KnownKey {
  readonly key: string
  readonly from: number
  /** From when on it may have ended, and when it has: between, the change is being written. */
  until: number
  ended: number
}

/** A client as the fuzzer knows it. */
export interface KnownClient {
  readonly name: string
  settings: ClientSettings
  permissions: ReadonlySet<Permission>
  /** When its settings were last changed, or its keys. */
  changedAt: number
  readonly keys: KnownKey[]
  /** What it has made at the vendor, by what it is. */
  readonly made: Record<Made, string[]>
  /** Calls that it has begun, those that were sent to a vendor, and those that were answered with 200. */
  begun: number
  counted: number
  served: number
  /** Answers of a route, counts of tokens among them. */
  routed: number
}

export type Made = 'file' | 'batch' | 'response' | 'container'

const secret = 'a-secret-for-the-fuzzer-of-client-keys-0123456789'
export const secretEnv: Readonly<Record<string, string>> = { FUZZ_CLIENT_SECRET: secret }

/** What is drawn for a client: from one that may nothing to one that may all, and some that are limited in other ways. */
const profiles: readonly (Partial<ClientSettings> & { readonly permissions: readonly string[] })[] = [
  { permissions: ['claude:code'] },
  { permissions: ['chat', 'tools'] },
  { permissions: ['chat', 'tools', 'batches', 'files'] },
  { permissions: ['chat', 'tools', 'batches', 'files'] },
  { permissions: ['chat', 'files', 'tools:code'] },
  { permissions: ['call:messages'] },
  { permissions: ['call:messages', 'images', 'tools:client'] },
  { permissions: ['call:responses', 'call:chat', 'documents', 'tools:web'] },
  { permissions: ['messages', 'tools:client', 'tools:mcp', 'files'] },
  { permissions: ['files', 'batches'] },
  { permissions: ['metrics'] },
  { permissions: [] },
  { permissions: ['chat', 'tools', 'files'], models: ['claude-haiku-*'] },
  { permissions: ['chat', 'tools', 'files'], maxTokens: 50 },
  { permissions: ['chat', 'tools', 'files'], targets: ['claude'] },
]

/** How many calls a client with a budget may make. */
export const budget = 40
const limited: Partial<ClientSettings> & { readonly permissions: readonly string[] } = {
  permissions: ['chat', 'tools'],
  limits: [{ unit: 'requests', period: 'month', amount: budget, hard: true }],
}

/** The clients of a gateway, as they are changed while it runs. */
export class World {
  readonly clients: KnownClient[] = []
  /** Clients that are revoked. */
  readonly gone: KnownClient[] = []
  readonly ownerOf: Map<string, KnownClient> = new Map()
  /** Who may read /metrics all the time. */
  reader: KnownClient | undefined
  /** Ids that a client has deleted, or is just deleting. */
  readonly deleted: Set<string> = new Set()
  readonly #store: ClientStore
  readonly #hash = clientHash(Buffer.from(secret))
  #count = 0

  constructor(file: string) {
    this.#store = fileClientStore(file)
  }

  async begin(dice: Dice): Promise<void> {
    for (const profile of [...profiles, ...profiles, limited, limited]) await this.#add(profile, dice)
    this.reader = await this.#add({ permissions: ['metrics'], team: 'operators' }, dice)
  }

  /** A change, as an operator makes it while calls run. */
  async act(dice: Dice): Promise<string> {
    const client = dice.pick(this.clients)
    const [what, act] = dice.pick([
      ['rotated', () => this.#rotate(client, dice)],
      ['rotated', () => this.#rotate(client, dice)],
      ['revoked', () => this.#revoke(client, dice)],
      ['changed', () => this.#change(client, dice)],
    ] as const)
    await act()
    return what
  }

  made(client: KnownClient, kind: Made, id: string): void {
    this.ownerOf.set(id, client)
    client.made[kind].push(id)
    if (client.made[kind].length > 200) client.made[kind].shift()
  }

  async #add(
    profile: Partial<ClientSettings> & { readonly permissions: readonly string[] },
    dice: Dice,
  ): Promise<KnownClient> {
    const name = `client-${++this.#count}`
    const settings = { team: dice.chance(0.5) ? 'a-team' : undefined, ...profile }
    const key = newClientKey()
    await this.#store.update((before) =>
      added(hashedWith(before, this.#hash, 'clients'), name, settings, this.#stored(key), Date.now()),
    )
    const now = performance.now()
    const client: KnownClient = {
      ...{ name, settings, permissions: permissionsOf(settings.permissions), changedAt: now },
      keys: [{ key, from: now, until: Infinity, ended: Infinity }],
      made: { file: [], batch: [], response: [], container: [] },
      ...{ begun: 0, counted: 0, served: 0, routed: 0 },
    }
    this.clients.push(client)
    return client
  }

  async #rotate(client: KnownClient, dice: Dice): Promise<void> {
    const overlap = dice.pick([0, 0, 100, 20_000])
    const key = newClientKey()
    const old = client.keys.filter(({ until }) => until > performance.now())
    if (old.length >= 4) return
    // From before it is written until it is known to be: whatever comes between is left open.
    const until = performance.now() + overlap
    for (const each of old) each.until = Math.min(each.until, until)
    await this.#store.update((before) =>
      rotated(before, client.name, this.#stored(key), { overlap, now: Date.now() }),
    )
    const ended = performance.now() + overlap
    for (const each of old) each.ended = Math.min(each.ended, ended)
    client.keys.push({ key, from: performance.now(), until: Infinity, ended: Infinity })
    if (client.keys.length > 6) client.keys.shift()
  }

  async #revoke(client: KnownClient, dice: Dice): Promise<void> {
    if (isFixed(client)) return
    for (const each of client.keys) each.until = Math.min(each.until, performance.now())
    await this.#store.update((before) => revoked(before, client.name, Date.now()))
    for (const each of client.keys) each.ended = Math.min(each.ended, performance.now())
    this.clients.splice(this.clients.indexOf(client), 1)
    this.gone.push(client)
    await this.#add(client.settings, dice)
  }

  async #change(client: KnownClient, dice: Dice): Promise<void> {
    if (isFixed(client)) return
    const { permissions } = dice.pick(profiles)
    client.changedAt = Infinity
    await this.#store.update((before) => changed(before, client.name, { permissions }))
    client.settings = { ...client.settings, permissions }
    client.permissions = permissionsOf(permissions)
    client.changedAt = performance.now()
  }

  #stored(key: string): { readonly hash: string; readonly prefix: string } {
    return { hash: this.#hash.of(key), prefix: prefixOf(key) }
  }
}

/** Those with a budget are counted at the end. */
const isFixed = ({ settings }: KnownClient): boolean =>
  settings.limits !== undefined || settings.team === 'operators'

/** Whether a key admits its client: yes, no, or either where it has just changed. */
export function admits(
  { from, until, ended }: KnownKey,
  startedAt: number,
  endedAt: number,
): boolean | undefined {
  if (startedAt > ended + settling) return false
  return startedAt > from + settling && endedAt < until ? true : undefined
}
