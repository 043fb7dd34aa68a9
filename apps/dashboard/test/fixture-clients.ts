import type { Clients, ClientView } from '@spillway/gateway-api'

const day = 86_400_000

const permissions: Clients['permissions'] = [
  ['chat', 'calls in all protocols: Messages, chat completions, Responses'],
  ['tools', 'calls that bring tools of any kind'],
  ['claude:code', 'messages and tools: what Claude Code needs'],
  ['admin', 'the three of admin: and metrics: what an operator needs'],
  ['metrics', 'reading /metrics'],
].map(([name = '', allows = '']) => ({ name, allows, isSet: name !== 'metrics', mayGrant: true }))

/** A gateway whose first client is not there yet. */
export const noClients: Clients = { clients: [], isAsked: true, permissions }

/** The clients of a team; with names and lists as long as they become where it is big. */
export function someClients(now: number, isBig: boolean): Clients {
  const client = (name: string, more: Partial<ClientView> = {}): ClientView => ({
    ...{ name, state: 'active', team: null, permissions: ['chat', 'tools'], models: null, targets: null },
    ...{ maxTokens: null, priority: null, createdAt: now - 40 * day, expiresAt: null, revokedAt: null },
    lastUsedAt: now - 42_000,
    keys: [{ prefix: 'sw-4kTq', fingerprint: 'a03f61bb20c4', createdAt: now - 3 * day, until: null }],
    revision: 'q1',
    ...more,
  })
  const long = 'w'.repeat(64)
  const overlapping = [
    { prefix: 'sw-9Zx1', fingerprint: '5be10cc9d1f7', createdAt: now - day, until: null },
    { prefix: 'sw-0aBd', fingerprint: '77aa01e4d0b2', createdAt: now - 90 * day, until: now + day },
  ]
  return {
    clients: [
      client('ops', { permissions: ['admin'] }),
      client('prometheus', { permissions: ['metrics'], lastUsedAt: now - 9_000 }),
      client('web', { team: 'shop', models: ['claude-haiku-*'], maxTokens: 8_000, keys: overlapping }),
      client('trial', { state: 'expired', expiresAt: now - 3 * day, lastUsedAt: null }),
      client('old', { state: 'revoked', revokedAt: now - 9 * day, lastUsedAt: null }),
      ...(isBig ? [client(long, { team: long, models: [long, long], expiresAt: now + 90 * day })] : []),
    ],
    isAsked: true,
    permissions,
  }
}
