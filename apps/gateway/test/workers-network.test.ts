import { writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { Agent, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificateFor } from '../../../packages/core-client/test/certificate.ts'
import { configOf, forThisTest, targetAt, temporaryFolder } from './gateway.ts'
import { anthropicHeaders, messages, send } from './raw-client.ts'
import { spillway, until } from './spillway.ts'
import { startedWorkers, startLoad } from './workers.ts'

// These tests start the built program: `pnpm build` comes first.

const claudeFor = (options = {}): Promise<SimulatedServer> => startClaude(options).then(forThisTest)

/** One call over HTTP/2 without TLS, on a connection of its own. */
function callByHttp2(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(url)
    session.on('error', reject)
    const stream = session.request({ ':method': 'POST', ':path': '/v1/messages', ...anthropicHeaders })
    stream.on('response', (headers) => {
      stream.resume()
      stream.on('end', () => {
        session.close()
        resolve(Number(headers[':status']))
      })
    })
    stream.end(JSON.stringify(messages()))
  })
}

describe('a gateway of two workers', { timeout: 60_000 }, () => {
  it('speaks TLS, shows a new certificate in both, and replaces its workers without a failed call', async () => {
    const [first, second] = await Promise.all([certificateFor('first'), certificateFor('second')])
    const folder = temporaryFolder()
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
    const write = (pair: { cert: string; key: string }): void => {
      writeFileSync(cert, pair.cert)
      writeFileSync(key, pair.key)
    }
    write(first)
    const claude = await claudeFor()
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')), { tls: { cert, key } })
    const load = startLoad(run.url, 6, { rejectUnauthorized: false })
    await load.more(10)
    write(second)
    await run.said('is in use, it')
    run.child.kill('SIGUSR2')
    await run.said('all workers were replaced')
    await load.more(10)
    await load.stop()
    expect([...load.statuses.keys()]).toEqual([200])
  })

  it('speaks HTTP/2 without TLS beside HTTP/1.1, and believes proxies that it trusts', async () => {
    const claude = await claudeFor()
    const run = await startedWorkers(configOf(targetAt(claude, 'anthropic')), {
      trustProxy: ['127.0.0.0/8'],
    })
    expect(await Promise.all(Array.from({ length: 4 }, () => callByHttp2(run.url)))).toEqual([
      200, 200, 200, 200,
    ])
    const { status } = await send(`${run.url}/v1/messages`, {
      body: messages(),
      headers: { 'x-forwarded-for': '192.0.2.7' },
    })
    expect(status).toBe(200)
    await until(() => run.log().filter(({ event }) => event === 'call').length === 5)
  })

  it('knows of each key, session, logout and revocation in both', async () => {
    const claude = await claudeFor()
    const folder = temporaryFolder()
    const clientsFile = join(folder, 'clients.json')
    const run = await startedWorkers(
      configOf(targetAt(claude, 'anthropic')),
      { auth: 'keys', clientsFile },
      { XDG_STATE_HOME: folder },
    )
    const command = async (...args: string[]): Promise<string> => {
      const ran = spillway([...args, '--config', run.file], { XDG_STATE_HOME: folder })
      expect([await ran.exit, ran.stderr()]).toEqual([0, expect.any(String)])
      return ran.stdout().trim()
    }
    const admin = await command('clients', 'add', 'ops', '--permissions', 'admin')
    const agent = new Agent({ pipelining: 0, keepAliveTimeout: 1 })
    onTestFinished(() => agent.destroy())
    /** Asks over connections of their own, which go to one worker and the other. */
    const statuses = async (headers: Record<string, string>): Promise<number[]> => {
      const asked = Array.from({ length: 6 }, () =>
        send(`${run.url}/api/targets`, { method: 'GET', headers }),
      )
      return [...new Set((await Promise.all(asked)).map(({ status }) => status))]
    }
    const bearer = { 'x-api-key': '', authorization: `Bearer ${admin}` }
    await untilStatuses(() => statuses(bearer), [200])
    const login = await request(`${run.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify({ key: admin }),
      dispatcher: agent,
    })
    const { operator } = (await login.body.json()) as { operator: { csrf: string } }
    const cookie = { 'x-api-key': '', cookie: String(login.headers['set-cookie']).split(';')[0] as string }
    expect(await statuses(cookie)).toEqual([200])
    const { statusCode, body } = await request(`${run.url}/api/logout`, {
      method: 'POST',
      headers: { cookie: cookie.cookie, 'sec-fetch-site': 'same-origin', 'x-spillway-csrf': operator.csrf },
      dispatcher: agent,
    })
    await body.dump()
    expect(statusCode).toBe(200)
    await untilStatuses(() => statuses(cookie), [401])
    await command('clients', 'revoke', 'ops')
    await untilStatuses(() => statuses(bearer), [401])
  })
})

async function untilStatuses(ask: () => Promise<number[]>, expected: number[]): Promise<void> {
  const deadline = performance.now() + 15_000
  let found = await ask()
  while (String(found) !== String(expected) && performance.now() < deadline) found = await ask()
  expect(found).toEqual(expected)
}
