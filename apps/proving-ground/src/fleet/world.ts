import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, type PrivateRedis, startRedis } from '@spillway/testing'
import { type PrivatePostgres, privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'
import { budgets, type Changes, configOf, teamOf, unlimited } from './config.ts'
import { type GatewayProcess, gatewayProcess } from './gateway-process.ts'
import { replaceFile } from './replace-file.ts'
import { spillway } from './spillway.ts'
import { startVendor, type Vendor } from './vendor.ts'

/** Three gateways and all that they need, each a real process. */
export interface World extends AsyncDisposable {
  readonly vendor: Vendor
  readonly redis: PrivateRedis
  readonly postgres: PrivatePostgres
  readonly gateways: readonly GatewayProcess[]
  readonly folder: string
  /** The key of a client. */
  keyOf(client: string): string
  /** Writes the configuration of each gateway. */
  configure(changes: Changes): void
  /** Gives a client another key, which it presents after `useAfter` milliseconds; the old one is valid for some time. */
  rotateClient(client: string, overlap: string, useAfter: number): Promise<void>
  /** Gives the gateways another key of the vendor's; the old one is valid until this resolves. */
  rotateVendorKey(): Promise<void>
  revokeClient(client: string): Promise<void>
}

export interface WorldOptions {
  readonly gateways: number
  readonly workers: number
  readonly seed: number
  readonly progress: (text: string) => void
}

export async function openWorld(options: WorldOptions): Promise<World> {
  /** What ends at the end, the last first. */
  const endings: (() => unknown)[] = []
  const end = async (): Promise<void> => {
    for (const each of endings.splice(0).reverse()) await each()
  }
  try {
    return await openedWorld(options, endings, end)
  } catch (error) {
    await end()
    throw error
  }
}

async function openedWorld(
  { gateways: count, workers, seed, progress }: WorldOptions,
  endings: (() => unknown)[],
  end: () => Promise<void>,
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-fleet-'))
  endings.push(() => rmSync(folder, { recursive: true, force: true }))
  progress('starting PostgreSQL, Redis and the vendor')
  const postgres = await privatePostgres()
  if (postgres === undefined)
    throw new Error('PostgreSQL is not installed; on Debian: apt-get install postgresql')
  endings.push(() => postgres.close())
  const redis = await startRedis()
  endings.push(() => redis.close())
  const vendor = await startVendor(seed)
  endings.push(() => vendor[Symbol.asyncDispose]())
  const env = { ...process.env, FLEET_FINGERPRINT_KEY: randomBytes(32).toString('base64'), NO_COLOR: '1' }
  const vault = { file: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
  const names = Array.from({ length: count }, (_, index) => `gateway-${index + 1}`)
  const fileOf = (name: string): string => join(folder, name, 'spillway.yaml')
  const first = fileOf(names[0] as string)
  const configure = (changes: Changes): void => {
    const set = { vendor, redis: redis.url, postgres: postgres.url, folder, vault, workers }
    // JSON is YAML.
    for (const name of names) replaceFile(fileOf(name), JSON.stringify(configOf(set, name, changes)))
  }
  for (const name of names) mkdirSync(join(folder, name))
  configure({})
  const run = (args: readonly string[], input?: string): Promise<string> =>
    spillway(args, { env, cwd: folder, ...(input === undefined ? {} : { input }) })
  const inVault = ['--vault', vault.file, '--key-file', vault.keyFile]
  const keys = new Map<string, string>()
  let versions = 0
  const newVendorKey = (): string => `sk-ant-fleet-${String(++versions).padStart(6, '0')}`
  progress('making a vault and the keys of clients')
  const firstKey = newVendorKey()
  vendor.keys.push(firstKey)
  await run(['vault', 'init', ...inVault])
  await run(['keys', 'add', 'vendor', ...inVault], firstKey)
  const add = async (name: string, ...more: readonly string[]): Promise<void> => {
    keys.set(name, await run(['clients', 'add', name, '--config', first, ...more]))
  }
  for (const name of unlimited) await add(name)
  for (const { clients, unit, amount } of budgets) {
    const limit = ['--limit', `${unit}=${amount}/month`]
    const team = teamOf(clients)
    if (team === undefined) {
      await add(clients[0] as string, ...limit)
      continue
    }
    for (const name of clients) await add(name, '--team', team)
    await run(['teams', 'set', team, '--config', first, ...limit])
  }
  const gateways: GatewayProcess[] = []
  for (const name of names) {
    progress(`starting ${name}`)
    const gateway = gatewayProcess({
      name,
      port: await freePort(),
      file: fileOf(name),
      folder: join(folder, name),
      env,
    })
    endings.push(() => gateway.stop(10_000).catch(() => undefined))
    await gateway.start()
    gateways.push(gateway)
  }
  return {
    ...{ vendor, redis, postgres, gateways, folder, configure },
    keyOf(client) {
      const key = keys.get(client)
      if (key === undefined) throw new Error(`no client is called ${client}`)
      return key
    },
    async rotateClient(client, overlap, useAfter) {
      const key = await run(['clients', 'rotate', client, '--config', first, '--overlap', overlap])
      await pause(useAfter)
      keys.set(client, key)
    },
    async rotateVendorKey() {
      const key = newVendorKey()
      vendor.keys.push(key)
      await run(['keys', 'rotate', 'vendor', '--config', first, '--vault-config', first], key)
    },
    revokeClient: async (client) => void (await run(['clients', 'revoke', client, '--config', first])),
    [Symbol.asyncDispose]: end,
  }
}
