import { hash as digest } from 'node:crypto'
import type {
  ActBody,
  ChangedClient,
  Clients as ClientsView,
  ClientView,
  ClientWithKey,
} from '@spillway/gateway-api'
import { BadParameter } from '@spillway/gateway-api'
import type { Clock } from '@spillway/middleware'
import { added, changed, found, revoked, rotated } from '../clients/client-changes.ts'
import { type ClientDirectory, stateOf } from '../clients/client-directory.ts'
import type { ClientDocument, ClientSettings, StoredClient } from '../clients/client-document.ts'
import { fingerprintOf, hashedWith } from '../clients/client-hash.ts'
import { newClientKey, prefixOf } from '../clients/client-key.ts'
import {
  globProblem,
  nameProblem,
  permissionProblem,
  targetProblem,
  teamProblem,
} from '../clients/client-values.ts'
import type { OpenClients } from '../clients/open-clients.ts'
import {
  type Permission,
  permissionNames,
  permissions,
  permissionsOf,
  setDescriptions,
  usualPermissions,
} from '../clients/permissions.ts'
import { type Operator, operatorPermissions } from './operator.ts'
import { Refused } from './refused.ts'

export interface ClientActsOptions extends OpenClients {
  /** Whether calls need a key of one of them. */
  readonly isAsked: boolean
  readonly clock: Pick<Clock, 'epoch'>
  /** Notes an act in the audit log. */
  readonly note: (by: Operator, action: string, details: Readonly<Record<string, unknown>>) => void
}

/** What `/api` does with clients, as `spillway clients` does it. */
export interface ClientActs {
  list(by: Operator): Promise<ClientsView>
  add(body: ActBody<'POST /api/clients'>, by: Operator): Promise<ClientWithKey>
  /** @param revision that the client must have; undefined: any */
  change(name: string, body: ChangedClient, revision: string | undefined, by: Operator): Promise<ClientView>
  rotate(name: string, overlap: number, by: Operator): Promise<ClientWithKey>
  revoke(name: string, by: Operator): Promise<ClientView>
}

/**
 * Opens the acts. Each changes the file under its lock, so that the command line and other gateways may do the same at the time, and is
 * in effect here when it resolves. All throw BadParameter for a value, Refused for what may not be, and ClientsError.
 */
export function openClientActs(options: ClientActsOptions): ClientActs {
  const { store, hash, directory, isAsked, clock, note } = options
  const update = async (change: (before: ClientDocument) => ClientDocument): Promise<ClientDocument> => {
    const after = await store.update((before) => change(hashedWith(before, hash, store.name)))
    await directory.refresh()
    return after
  }
  const view = (document: ClientDocument, name: string): ClientView =>
    viewOf(name, found(document, name), directory, clock.epoch())
  const newKey = () => {
    const key = newClientKey()
    return { key, stored: { hash: hash.of(key), prefix: prefixOf(key) } }
  }
  return {
    async list(by) {
      const { clients } = await store.load()
      const now = clock.epoch()
      return {
        clients: Object.entries(clients).map(([name, each]) => viewOf(name, each, directory, now)),
        isAsked,
        permissions: permissionNames.map((name) => ({
          name,
          allows: allowsOf(name),
          isSet: Object.hasOwn(setDescriptions, name),
          mayGrant: beyond(by, [name]).length === 0,
        })),
      }
    },
    async add({ name, ...body }, by) {
      check('name', nameProblem(name))
      const { permissions: given = usualPermissions, ...settings } = settingsOf(body, clock.epoch())
      mustHold(by, given, 'be given to a client')
      const { key, stored } = newKey()
      const document = await update((before) =>
        added(before, name, { ...settings, permissions: given }, stored, clock.epoch()),
      )
      note(by, 'client.added', { subject: name, fingerprint: fingerprintOf(stored.hash) })
      return { client: view(document, name), key }
    },
    async change(name, body, revision, by) {
      const settings = settingsOf(body, clock.epoch())
      const fields = Object.keys(settings)
      if (fields.length === 0) throw new BadParameter('body', 'nothing to change')
      const document = await update((before) => {
        const client = found(before, name)
        if (revision !== undefined && revision !== revisionOf(client))
          throw new Refused(412, `${name} has been changed meanwhile: read it again`)
        // What it has already may come back with the rest of a form.
        const more = settings.permissions?.filter((each) => !client.permissions.includes(each)) ?? []
        mustHold(by, more, 'be given to a client')
        return changed(before, name, settings)
      })
      note(by, 'client.changed', { subject: name, changed: fields.join(', ') })
      return view(document, name)
    },
    async rotate(name, overlap, by) {
      const { key, stored } = newKey()
      const document = await update((before) => {
        // Whoever gets the key could do what the client may.
        mustHold(by, found(before, name).permissions, 'get a new key from you')
        return rotated(before, name, stored, { overlap, now: clock.epoch() })
      })
      note(by, 'client.rotated', { subject: name, fingerprint: fingerprintOf(stored.hash) })
      return { client: view(document, name), key }
    },
    async revoke(name, by) {
      const document = await update((before) => revoked(before, name, clock.epoch()))
      note(by, 'client.revoked', { subject: name })
      return view(document, name)
    },
  }
}

/** The settings that a body names; null lifts one. */
function settingsOf(body: ChangedClient, now: number): Partial<ClientSettings> {
  const { team, permissions: given, models, targets, expiresAt } = body
  check('team', teamProblem(team ?? ''))
  check('permissions', permissionProblem(given ?? []))
  if (models) check('models', globProblem(models))
  if (targets) check('targets', targetProblem(targets))
  if (typeof expiresAt === 'number' && expiresAt <= now)
    throw new BadParameter('expiresAt', 'expected a time to come; to end a client now, revoke it')
  const named = Object.entries({ ...body, ...(team === '' && { team: null }) })
  const lifted = named
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, value ?? undefined])
  return {
    ...Object.fromEntries(lifted),
    ...(given && { permissions: [...new Set(given)] }),
    ...(models?.includes('*') && { models: undefined }),
    ...(targets?.includes('*') && { targets: undefined }),
  }
}

function check(field: string, problem: string | undefined): void {
  if (problem !== undefined) throw new BadParameter(field, problem)
}

/** Permissions of operators among these that someone lacks: a client that had them would be more than who made it. */
function beyond(by: Operator, names: readonly string[]): readonly Permission[] {
  const own = by.now()?.permissions
  const asked = permissionsOf(names)
  return operatorPermissions.filter((each) => asked.has(each) && own?.has(each) !== true)
}

function mustHold(by: Operator, names: readonly string[], what: string): void {
  const missing = beyond(by, names)
  if (missing.length > 0)
    throw new Refused(403, `${by.name} lacks ${missing.join(', ')}, so a client with that cannot ${what}`)
}

function allowsOf(name: string): string {
  return Object.hasOwn(setDescriptions, name)
    ? (setDescriptions[name] ?? '')
    : permissions[name as Permission]
}

const revisionOf = (client: StoredClient): string =>
  digest('sha256', JSON.stringify(client), 'base64url').slice(0, 16)

function viewOf(
  name: string,
  client: StoredClient,
  directory: Pick<ClientDirectory, 'lastUsed'>,
  now: number,
): ClientView {
  const { team = null, permissions: given, models = null, targets = null } = client
  const { maxTokens = null, priority = null } = client
  return {
    ...{ name, state: stateOf(client, now), team, permissions: given, models, targets, maxTokens, priority },
    createdAt: client.createdAt,
    expiresAt: client.expiresAt ?? null,
    revokedAt: client.revokedAt ?? null,
    lastUsedAt: directory.lastUsed(name) ?? null,
    keys: client.keys.map(({ hash, prefix, createdAt, until = null }) => ({
      ...{ prefix, fingerprint: fingerprintOf(hash), createdAt, until },
    })),
    revision: revisionOf(client),
  }
}
