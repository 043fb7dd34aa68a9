import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { replaceFile } from '../fleet/replace-file.ts'
import { spillway } from '../fleet/spillway.ts'
import { clients, configOf, type SoakPlace, vaultOf, vendorKeys } from './config.ts'

/** What is changed while calls come, and how often that was. */
export interface Changes {
  readonly counts: Readonly<Record<'reloads' | 'vendorKeys' | 'clientKeys', number>>
  /** The key of a client. */
  keyOf(client: string): string
  /** Begins to change something every so many seconds. */
  start(every: number): void
  /** Changes no more, and resolves when the last one is made. */
  stop(): Promise<void>
}

/** A change of clients holds within a second; in milliseconds, for a machine that is busy too. */
const settling = 2_000

/** Makes the vault and the clients of a gateway that is about to start, and changes them while it runs, as its operator does. */
export async function openChanges(place: SoakPlace, env: NodeJS.ProcessEnv): Promise<Changes> {
  const { folder, upstreams } = place
  const file = join(folder, 'spillway.yaml')
  const { file: vault, keyFile } = vaultOf(folder)
  const run = (args: readonly string[], input = ''): Promise<string> =>
    spillway(args, { env, cwd: folder, input })
  const counts = { reloads: 0, vendorKeys: 0, clientKeys: 0 }
  let versions = 0
  const newKey = (): string => `sk-ant-soak-${String(++versions).padStart(6, '0')}`
  // JSON is YAML.
  replaceFile(file, JSON.stringify(configOf(place)))
  const inVault = ['--vault', vault, '--key-file', keyFile]
  await run(['vault', 'init', ...inVault])
  for (const name of vendorKeys) await run(['keys', 'add', name, ...inVault], newKey())
  const keys = new Map<string, string>()
  for (const name of clients) keys.set(name, await run(['clients', 'add', name, '--config', file]))

  const acts = [
    async () => {
      replaceFile(file, JSON.stringify(configOf(place, ++counts.reloads)))
    },
    async () => {
      const name = vendorKeys[counts.vendorKeys % vendorKeys.length] as string
      const verified = ['--provider', 'anthropic', '--url', upstreams.verifier]
      await run(['keys', 'rotate', name, ...inVault, ...verified], newKey())
      counts.vendorKeys++
    },
    async () => {
      const name = clients[counts.clientKeys % clients.length] as string
      const key = await run(['clients', 'rotate', name, '--config', file, '--overlap', '1m'])
      await pause(settling)
      keys.set(name, key)
      counts.clientKeys++
    },
  ]
  const stopping = new AbortController()
  let changing = Promise.resolve()
  return {
    counts,
    keyOf: (client) => keys.get(client) ?? '',
    start(every) {
      changing = (async () => {
        for (let turn = 0; ; turn++) {
          await pause(every * 1_000, undefined, { signal: stopping.signal })
          await acts[turn % acts.length]?.()
        }
      })().catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error
      })
      // Heard of where it is waited for.
      changing.catch(() => {})
    },
    async stop() {
      stopping.abort()
      await changing
    },
  }
}
