import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ageFile, initAgeFile } from '../src/age-file-vault.ts'
import { openVault } from '../src/vault.ts'

const works = ['rekey', 'rotate', 'rotate-to-a-bad-key'] as const

export interface KillReport {
  readonly kills: number
  /** Runs that ended by themselves, having had no further write. */
  readonly wholeRuns: number
  /** Kills by what was being done and before which write step. */
  readonly at: Readonly<Record<string, number>>
}

/**
 * Kills processes that change a vault, each before the next of their writes, round after round on the same vault,
 * until there have been so many. After each kill the vault must open, with all its secrets, one of them active.
 * @throws Error when it does not
 */
export async function killLoop(kills: number): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-kills-'))
  const options = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
  const at: Record<string, number> = {}
  let killed = 0
  let wholeRuns = 0
  try {
    const others = ['openrouter', 'openai', 'local']
    const vault = openVault({ driver: await initAgeFile(options), environment: 'test' })
    for (const name of ['claude', ...others]) await vault.add(name, `sk-${name}`)
    await vault.close()
    while (killed < kills) {
      for (const work of works) {
        for (let step = 1; killed < kills; step++) {
          const [code, signal] = await run(options, work, step)
          if (signal === null && code !== 0) throw new Error(`${work} failed by itself (${code})`)
          await mustBeWhole(options, others)
          if (signal === null) {
            wholeRuns++
            break
          }
          killed++
          const place = `${work} ${step}`
          at[place] = (at[place] ?? 0) + 1
        }
      }
    }
    return { kills: killed, wholeRuns, at }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 9 })
  }
}

type Options = { readonly path: string; readonly keyFile: string }

async function run(
  { path, keyFile }: Options,
  work: string,
  step: number,
): Promise<[number | null, string | null]> {
  const script = new URL('kill-child.ts', import.meta.url).pathname
  const args = ['--conditions=@spillway/source', script, path, keyFile, work, String(step)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  return (await once(child, 'exit')) as [number | null, string | null]
}

async function mustBeWhole(options: Options, others: readonly string[]): Promise<void> {
  const vault = openVault({ driver: ageFile(options), environment: 'test' })
  for (const name of others) {
    if ((await vault.get(name)).expose() !== `sk-${name}`) throw new Error(`${name} has another value`)
  }
  const value = (await vault.get('claude')).expose()
  if (!value.startsWith('sk-')) throw new Error('claude has no value')
  const active = (await vault.list('claude')).filter(({ state }) => state === 'active')
  if (active.length !== 1) throw new Error(`claude has ${active.length} active versions`)
  await vault.close()
  // A file that a dead process left behind is sealed like the vault itself.
  for (const file of readdirSync(join(options.path, '..'))) {
    if (file.includes('vault.age') && readFileSync(join(options.path, '..', file), 'utf8').includes('sk-')) {
      throw new Error(`${file} holds a key`)
    }
  }
}
