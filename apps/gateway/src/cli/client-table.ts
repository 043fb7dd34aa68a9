import { stateOf } from '../clients/client-directory.ts'
import type { StoredClient } from '../clients/client-document.ts'
import { fingerprintOf } from '../clients/client-hash.ts'
import { type LimitUsage, limitLine, shortLimit, shownLimit } from './limit-usage.ts'
import { tableLines } from './table.ts'

/** A client without the hashes of its keys, for programs. Times are ISO 8601. */
export function shownClient(name: string, client: StoredClient, now: number, usage: LimitUsage): object {
  const { team = null, permissions, models = null, targets = null, maxTokens = null, limits = [] } = client
  const { priority = 'interactive' } = client
  return {
    ...{ name, state: stateOf(client, now), team, permissions, models, targets, maxTokens, priority },
    limits: limits.map((each) => shownLimit(each, usage.of([name], each.unit, each.period), now)),
    createdAt: iso(client.createdAt),
    expiresAt: iso(client.expiresAt),
    revokedAt: iso(client.revokedAt),
    keys: client.keys.map(({ hash, prefix, createdAt, until }) => ({
      ...{ prefix, fingerprint: fingerprintOf(hash) },
      createdAt: iso(createdAt),
      until: iso(until),
    })),
  }
}

/** One client, for people. */
export function describeClient(name: string, client: StoredClient, now: number, usage: LimitUsage): string {
  const { team, permissions, models, targets, maxTokens, priority, createdAt, expiresAt, revokedAt } = client
  const { limits = [] } = client
  const rows: (readonly [string, string])[] = [
    ['name', name],
    ['state', stateOf(client, now)],
    ['team', team ?? '-'],
    ['permissions', permissions.join(', ') || 'none'],
    ['models', models?.join(', ') ?? 'all'],
    ['targets', targets?.join(', ') ?? 'all'],
    ['maxTokens', maxTokens === undefined ? 'any' : String(maxTokens)],
    ['priority', String(priority ?? 'interactive')],
    ...limits.map(
      (each) => ['limit', limitLine(each, usage.of([name], each.unit, each.period), now)] as const,
    ),
    ['created', iso(createdAt) ?? '-'],
    ['expires', iso(expiresAt) ?? 'never'],
    ...(revokedAt === undefined ? [] : [['revoked', iso(revokedAt) ?? '-'] as const]),
    ...client.keys.map(
      ({ prefix, hash, until }) =>
        [
          'key',
          `${prefix}… ${fingerprintOf(hash)}${until === undefined ? '' : `, ${until > now ? 'ends' : 'ended'} ${iso(until)}`}`,
        ] as const,
    ),
  ]
  return rows.map(([title, value]) => `${title.padEnd(12)} ${value}`).join('\n')
}

/** All clients, for people. */
export function clientTable(
  clients: Readonly<Record<string, StoredClient>>,
  now: number,
  usage: LimitUsage,
): string[] {
  const rows = Object.entries(clients).map(([name, client]) => {
    const { team = '-', permissions, models, expiresAt, keys, limits = [] } = client
    const [newest] = keys
    return [
      name,
      stateOf(client, now),
      team,
      permissions.join(',') || 'none',
      models?.join(',') ?? 'all',
      limits.map((each) => shortLimit(each, usage.of([name], each.unit, each.period))).join(', ') || '-',
      expiresAt === undefined ? 'never' : new Date(expiresAt).toISOString().slice(0, 10),
      newest === undefined ? '-' : `${newest.prefix}…`,
    ]
  })
  return tableLines([['NAME', 'STATE', 'TEAM', 'PERMISSIONS', 'MODELS', 'LIMITS', 'EXPIRES', 'KEY'], ...rows])
}

const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString())
