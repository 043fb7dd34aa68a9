import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@spillway/testing'
import { privatePostgres } from '../../../../../packages/ledger/test/private-postgres.ts'
import { limits } from '../limits.ts'
import type { PreparedRow } from '../upstreams.ts'
import { identityProvider, installClaude, sessionSecret, sessionToken } from './claude-program.ts'
import type { GatewayAdapter } from './gateway.ts'

const release = '2.1.330'

/** Anthropic's own gateway, from npm, installed on demand; with a PostgreSQL and an identity provider that only it uses. */
export function claudeGateway(): GatewayAdapter {
  return {
    name: 'claude gateway',
    version: release,
    note:
      'Anthropic’s own, in Claude Code: `provider: anthropic` with `base_url`, one upstream for each target and a list of ' +
      'models that says which of them serve a row, PostgreSQL and a loopback identity provider, tokens signed with ' +
      `\`session.jwt_secret\`, \`timeouts.upstream_ttfb_ms\` of ${limits.headers} ms. It knows no retries, and no limit for what comes ` +
      'after the headers. It speaks Anthropic’s protocol alone: rows of OpenAI’s protocols are not judged.',
    isSpillway: false,
    lanes: 6,
    serves: ({ shape }) => shape.api === 'anthropic' && shape.at === undefined,
    async start(rows) {
      const { binary, folder } = installClaude(release)
      const postgres = await privatePostgres()
      if (postgres === undefined) throw new Error('claude gateway needs PostgreSQL')
      const identity = await identityProvider()
      const port = await freePort()
      const stop = await run(binary, folder, port, configOf(rows, port, identity.url, postgres.url))
      const authorization = `Bearer ${sessionToken(`http://127.0.0.1:${port}`)}`
      return {
        urlFor: () => `http://127.0.0.1:${port}`,
        headersFor: () => ({ authorization, 'x-api-key': '' }),
        async stop() {
          await stop()
          identity.server.close()
          await postgres.close()
        },
      }
    },
  }
}

/** Which upstreams serve which row, in the order in which they are asked. JSON is YAML. */
function configOf(rows: readonly PreparedRow[], port: number, issuer: string, postgres: string): string {
  const upstream = (name: string, base_url: string): object => ({
    ...{ name, provider: 'anthropic', base_url, auth: { api_key: 'sk-ant-fault-book' } },
  })
  const withFallback = (prepared: PreparedRow): boolean => prepared.row.fallback !== undefined
  return JSON.stringify({
    listen: { host: '127.0.0.1', port },
    oidc: { issuer, client_id: 'fault-book', client_secret: 'fault-book' },
    session: { jwt_secret: sessionSecret },
    store: { postgres_url: postgres },
    upstreams: rows.flatMap((prepared) => [
      upstream(`${prepared.model}-first`, prepared.firstUrl),
      ...(withFallback(prepared) ? [upstream(`${prepared.model}-second`, prepared.second.url)] : []),
    ]),
    auto_include_builtin_models: false,
    models: rows.map((prepared) => ({
      id: prepared.model,
      upstream_model: {
        [`${prepared.model}-first`]: prepared.model,
        ...(withFallback(prepared) && { [`${prepared.model}-second`]: prepared.model }),
      },
    })),
    timeouts: { upstream_ttfb_ms: limits.headers },
  })
}

async function run(
  binary: string,
  folder: string,
  port: number,
  config: string,
): Promise<() => Promise<void>> {
  const file = join(folder, `gateway-${port}.yaml`)
  writeFileSync(file, config, { mode: 0o600 })
  const child = spawn(binary, ['gateway', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, CLAUDE_GATEWAY_ALLOW_LOOPBACK: '1' },
  })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = `${complaints}${chunk}`.slice(-4_000)
  })
  const exited = once(child, 'exit')
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/protocol`).catch(() => undefined)
    if (answer !== undefined) break
    if (tries > 600 || child.exitCode !== null)
      throw new Error(`claude gateway does not answer: ${complaints}`)
    await delay(100)
  }
  return async () => {
    child.kill('SIGKILL')
    await exited
  }
}
