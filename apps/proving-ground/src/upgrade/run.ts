import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, type SimulatedServer, startClaude, startRedis } from '@spillway/testing'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'
import { queryLedger } from '../booked-rows.ts'
import type { BooksLine } from '../books.ts'
import { type FleetFiles, limitedCalls, writeFleet } from './fleet-files.ts'
import { type GatewayProcess, runCommand, startProcess } from './gateway-process.ts'
import { requestBody, startLoad } from './load.ts'

/** This version. */
export const program: string = fileURLToPath(new URL('../../../gateway/bin/spillway.js', import.meta.url))

export interface UpgradeOptions {
  /** `spillway.js` of the version before. */
  readonly before: string
  readonly after: string
  /** How long each mixture of versions serves calls. */
  readonly seconds: number
  readonly say: (line: string) => void
}

const gateways = 3
const callsPerSecond = 40
/** Calls of a gateway whose database is away. */
const inJournal = 7
/** How long a change may take to be known to all gateways, in milliseconds. */
const knownWithin = 5_000

/**
 * Replaces gateways one by one under load, and goes back with one of them.
 * @returns what has to hold, and what was seen
 * @throws Error where PostgreSQL or Redis are not installed, or a gateway does not start
 */
export async function proveUpgrade(options: UpgradeOptions): Promise<BooksLine[]> {
  const postgres = await privatePostgres()
  if (postgres === undefined)
    throw new Error('PostgreSQL is not installed; on Debian: apt-get install postgresql')
  const folder = mkdtempSync(join(tmpdir(), 'spillway-upgrade-'))
  const running: (GatewayProcess | undefined)[] = []
  const closing = [
    async () => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }),
    () => postgres.close(),
  ]
  try {
    const redis = await startRedis()
    closing.push(redis.close)
    const claude = await startClaude({ models: ['claude-sonnet-5-5', 'limited', 'broken'] })
    closing.push(() => claude.close())
    const broken = await startClaude({ record: false, fault: () => ({ type: 'status', status: 500 }) })
    closing.push(() => broken.close())
    return await replaceAll({
      ...options,
      postgres: postgres.url,
      redis: redis.url,
      folder,
      running,
      claude,
      broken: broken.url,
    })
  } finally {
    for (const gateway of running) await gateway?.kill()
    for (const close of closing.reverse()) await close()
  }
}

interface Surroundings extends UpgradeOptions {
  readonly postgres: string
  readonly redis: string
  readonly folder: string
  readonly running: (GatewayProcess | undefined)[]
  readonly claude: SimulatedServer
  readonly broken: string
}

async function replaceAll(surroundings: Surroundings): Promise<BooksLine[]> {
  const { before, after, seconds, say, postgres, redis, folder, running, claude, broken } = surroundings
  const lines: BooksLine[] = []
  const line = (what: string, seen: string, holds: boolean): void => void lines.push({ what, seen, holds })
  const env = {
    UPGRADE_FINGERPRINT_KEY: randomBytes(32).toString('base64'),
    UPGRADE_AUDIT_KEY: randomBytes(32).toString('base64'),
    XDG_STATE_HOME: join(folder, 'state'),
  }
  const files: FleetFiles = writeFleet({
    ...{ folder, gateways, upstream: claude.url, broken, redis },
    ...{ database: postgres, noDatabase: `postgres://spillway@127.0.0.1:${await freePort()}/postgres` },
  })
  const [config = ''] = files.configs
  const command = async (version: string, parameters: readonly string[], input?: string): Promise<string> => {
    const { code, out } = await runCommand(version, parameters, {
      ...{ env, cwd: folder },
      ...(input !== undefined && { input }),
    })
    if (code !== 0)
      throw new Error(`spillway ${parameters.slice(0, 2).join(' ')} ended with ${code}:\n${out}`)
    return out
  }
  const addClient = async (version: string, name: string): Promise<string> => {
    const out = await command(version, ['clients', 'add', name, '--config', config])
    const key = /sw-\S+/.exec(out)?.[0]
    if (key === undefined) throw new Error(`spillway clients add printed no key:\n${out}`)
    return key
  }
  const ports = await Promise.all(files.configs.map(() => freePort()))
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const start = async (index: number, version: string, file = files.configs[index]): Promise<void> => {
    running[index] = await startProcess({
      program: version,
      config: file ?? '',
      port: ports[index] ?? 0,
      env,
    })
  }
  /** Calls that are known to be answered, besides those of the load. */
  const answered: string[] = []
  const ask = async (index: number, key: string, model = 'claude-sonnet-5-5'): Promise<Response> => {
    const response = await fetch(`${urls[index]}/v1/messages`, {
      ...{ method: 'POST', headers: { 'x-api-key': key }, body: requestBody(model) },
    })
    await response.arrayBuffer()
    const id = response.headers.get('x-spillway-call-id')
    if (response.status === 200 && id !== null) answered.push(id)
    return response
  }
  const within = async (isMet: () => Promise<boolean> | boolean): Promise<boolean> => {
    const end = performance.now() + knownWithin
    while (performance.now() < end) {
      if (await isMet()) return true
      await delay(50)
    }
    return false
  }
  const keyIsUsed = (index: number, secret: string): Promise<boolean> =>
    within(async () => {
      await ask(index, key)
      return claude.requests.at(-1)?.headers['x-api-key'] === secret
    })

  const firstKey = 'sk-ant-of-the-version-before'
  say('three gateways of the version before')
  await command(before, ['vault', 'init', ...files.vault])
  await command(before, ['keys', 'add', 'claude', ...files.vault], firstKey)
  const key = await addClient(before, 'load')
  await start(0, before, files.withoutDatabase)
  for (let call = 0; call < inJournal; call++) await ask(0, key)
  // Rows reach the journal within a second or so; then it loses its memory.
  await delay(3_000)
  await running[0]?.kill()
  for (let index = 1; index < gateways; index++) await start(index, before)
  for (let call = 0; call < 6; call++) await ask(1, key, 'broken')
  const load = startLoad(urls, { key, callsPerSecond, takenOut: urls.slice(0, 1) })
  /** Stops a gateway and starts another version in its place; resolves with its exit code. */
  const replace = async (index: number, version: string): Promise<number | null | undefined> => {
    const url = urls[index] ?? ''
    await load.takeOut(url)
    const code = await running[index]?.stop()
    await start(index, version)
    load.putBack(url)
    return code
  }
  await delay(seconds * 1_000)

  say(
    'the one that has stopped with rows in its journal starts as this version, beside two of the version before',
  )
  await start(0, after)
  load.putBack(urls[0] ?? '')
  const journaled = answered.slice(0, inJournal)
  const booked = async (ids: readonly string[]): Promise<number> => {
    const rows = await queryLedger(postgres, 'select call_id from calls')
    const all = new Set(rows.map((row) => row.call_id))
    return ids.filter((id) => all.has(id)).length
  }
  let taken = 0
  await within(async () => {
    taken = await booked(journaled)
    return taken === inJournal
  })
  line(
    'rows in the journal of the version before',
    `${taken} of ${inJournal} taken over`,
    taken === inJournal,
  )
  // A gateway asks Redis with its first call, and does not wait for it. Its own circuit would open after three.
  await ask(0, key, 'broken')
  const open = (await ask(0, key, 'broken')).headers.get('x-spillway-fallback')
  line('a circuit that the version before opened', String(open), open === 'circuit_open')
  const fromNew = await addClient(after, 'from-this-version')
  const fromOld = await addClient(before, 'from-the-version-before')
  const knows = async (index: number, client: string): Promise<boolean> =>
    within(async () => (await ask(index, client)).status === 200)
  line(
    'clients that the other version added',
    `the version before ${(await knows(1, fromNew)) ? 'serves' : 'refuses'} this one's, and this one ${(await knows(0, fromOld)) ? 'serves' : 'refuses'} the other's`,
    (await knows(1, fromNew)) && (await knows(0, fromOld)),
  )
  await command(after, ['clients', 'revoke', 'from-the-version-before', '--config', config])
  const isRefused = await within(async () => (await ask(1, fromOld)).status === 401)
  line(
    'a client that this version revoked',
    isRefused ? 'refused by the version before' : 'served',
    isRefused,
  )
  let passed = 0
  for (let call = 0; call < 3 * limitedCalls; call++)
    if ((await ask(call % gateways, key, 'limited')).status === 200) passed++
  line(
    'a limit over both versions',
    `${passed} of ${limitedCalls} calls a minute`,
    passed <= limitedCalls && passed >= 0.95 * limitedCalls,
  )
  await delay(seconds * 1_000)

  say('the second one is replaced')
  const second = await replace(1, after)
  const oldKey = (await keyIsUsed(0, firstKey)) && (await keyIsUsed(2, firstKey))
  line('the key that the version before added', oldKey ? 'used by both versions' : 'not used', oldKey)
  const rotated = 'sk-ant-of-this-version'
  const verifier = ['--provider', 'anthropic', '--url', claude.url]
  await command(after, ['keys', 'rotate', 'claude', ...files.vault, ...verifier], rotated)
  const newKey = (await keyIsUsed(0, rotated)) && (await keyIsUsed(2, rotated))
  line('the key that this version rotated to', newKey ? 'used by both versions' : 'not used', newKey)
  await delay(seconds * 1_000)

  say('the third one is replaced: all are of this version')
  const third = await replace(2, after)
  await delay(seconds * 1_000)

  say('one goes back to the version before')
  const back = await replace(0, before)
  await delay(seconds * 1_000)
  line(
    'gateways that were replaced',
    `exit codes ${[second, third, back].join(', ')}`,
    [second, third, back].every((code) => code === 0),
  )
  await load.stop()
  for (const gateway of running.splice(0)) await gateway?.stop()

  const sent = load.answered.length + load.failures.length
  line(
    'calls of the load',
    `${sent} sent, ${load.failures.length} failed${load.failures.length > 0 ? `: ${load.failures[0]}` : ''}`,
    load.failures.length === 0 && sent > 0,
  )
  const all = [...new Set([...load.answered, ...answered])]
  const found = await booked(all)
  line('calls booked', `${found} of ${all.length} answered`, found === all.length)
  const [doubled] = await queryLedger(
    postgres,
    'select count(*) as n from (select call_id from calls group by call_id having count(*) > 1) as doubled',
  )
  line('calls booked twice', String(doubled?.n), Number(doubled?.n) === 0)
  const one = async (text: string): Promise<number> => Number((await queryLedger(postgres, text))[0]?.n)
  const rows = await one('select count(*) as n from calls')
  const grain = 'select min(grain) from call_rollups'
  const summed = await one(`select sum(calls) as n from call_rollups where grain = (${grain})`)
  line('calls in the sums', `${summed} of ${rows}`, summed === rows)
  const storage = ['--storage', postgres, '--key', 'env:UPGRADE_AUDIT_KEY']
  for (const [name, version] of [
    ['this version', after],
    ['the version before', before],
  ] as const) {
    const { code, out } = await runCommand(version, ['audit', 'verify', ...storage], { env, cwd: folder })
    line(`the audit log, to ${name}`, out.trim().split('\n').at(-1) ?? '', code === 0)
  }
  return lines
}
