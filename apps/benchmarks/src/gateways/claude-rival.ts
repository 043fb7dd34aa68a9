import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@spillway/testing'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'
import {
  identityProvider,
  installClaude,
  sessionSecret,
  sessionToken,
} from '../../../proving-ground/src/fault-book/gateways/claude-program.ts'
import { startProgram, useOf } from './processes.ts'
import { listening, type Rival } from './rivals.ts'

const release = '2.1.332'
const adminKey = 'benchmarks-set-spend-limits-with-this-key'

/**
 * Anthropic's own gateway, which is in Claude Code. It needs a PostgreSQL and an identity provider; the time and the memory of its
 * PostgreSQL count as its own, as those of SQLite count as Spillway's.
 * @param withLimits whether each call is held against a spend limit, which is never reached
 */
export function claudeGateway(withLimits: boolean): Rival {
  const name = withLimits ? 'claude gateway, spend limits' : 'claude gateway'
  return {
    name,
    missing: () => (existsSync('/usr/lib/postgresql') ? undefined : 'PostgreSQL is not installed'),
    async start([upstream]) {
      const { binary, folder } = installClaude(release)
      const postgres = await privatePostgres()
      if (postgres === undefined) throw new Error(`${name} needs PostgreSQL`)
      const identity = await identityProvider()
      const port = await freePort()
      const file = join(folder, `gateway-${port}.yaml`)
      // JSON is YAML.
      writeFileSync(
        file,
        JSON.stringify({
          listen: { host: '127.0.0.1', port },
          oidc: { issuer: identity.url, client_id: 'benchmark', client_secret: 'benchmark' },
          session: { jwt_secret: sessionSecret },
          store: { postgres_url: postgres.url },
          upstreams: [
            {
              ...{ name: 'first', provider: 'anthropic', base_url: upstream?.origin },
              auth: { api_key: 'sk-benchmark' },
            },
          ],
          ...(withLimits && { admin: { write_keys: [{ id: 'benchmark', key: adminKey }] } }),
          auto_include_builtin_models: false,
          models: [{ id: 'claude-sonnet-5-5', upstream_model: { first: 'claude-sonnet-5-5' } }],
        }),
        { mode: 0o600 },
      )
      const startedAt = performance.now()
      const program = startProgram(
        binary,
        ['gateway', '--config', file],
        { HOME: folder, CLAUDE_GATEWAY_ALLOW_LOOPBACK: '1' },
        folder,
      )
      const stop = async (): Promise<void> => {
        await program.stop()
        identity.server.close()
        await postgres.close()
      }
      try {
        await listening(port, program, name)
        const startedIn = performance.now() - startedAt
        const url = new URL(`http://127.0.0.1:${port}`)
        if (withLimits) await setLimit(url)
        const database = useOf(postgres.pid())
        return {
          ...{ url, path: '/v1/messages', startedIn, stop },
          signal: program.signal,
          headers: { authorization: `Bearer ${sessionToken(url.origin)}` },
          cpu: () => program.cpu() + database.cpu(),
          memory: () => program.memory() + database.memory(),
        }
      } catch (error) {
        await stop()
        throw error
      }
    },
  }
}

async function setLimit(url: URL): Promise<void> {
  const response = await fetch(new URL('/v1/organizations/spend_limits', url), {
    method: 'POST',
    headers: { 'x-api-key': adminKey, 'content-type': 'application/json' },
    body: JSON.stringify({ scope: { type: 'organization' }, amount: '100000000000', period: 'monthly' }),
  })
  if (!response.ok) throw new Error(`the spend limit is refused: ${response.status} ${await response.text()}`)
}
