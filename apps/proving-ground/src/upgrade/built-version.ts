import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** What was built is kept, so that the next run need not build it. Node strips no types below a `node_modules`. */
const kept = join(tmpdir(), 'spillway-versions')

/**
 * The gateway of a commit, built in a clone. Needs git and pnpm.
 * @param say called with what is done, since it takes a minute
 * @returns its program, to be run by Node
 * @throws Error when the commit is not there or does not build
 */
export async function builtVersion(
  commit: string,
  say: (line: string) => void,
): Promise<{ readonly hash: string; readonly program: string }> {
  const hash = (await run('git', ['rev-parse', '--verify', `${commit}^{commit}`], root)).trim()
  const folder = join(kept, hash)
  const program = join(folder, 'apps/gateway/bin/spillway.js')
  if (existsSync(folder)) return { hash, program }
  const building = `${folder}.${process.pid}`
  mkdirSync(kept, { recursive: true })
  try {
    say(`building the gateway of ${hash.slice(0, 7)}, once …`)
    await run('git', ['clone', '--quiet', '--no-checkout', root, building], root)
    await run('git', ['checkout', '--quiet', hash], building)
    await run('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--silent'], building)
    const quiet = '--output-logs=errors-only'
    await run('pnpm', ['exec', 'turbo', 'run', 'build', '--filter=@spillway/gateway', quiet], building)
    renameSync(building, folder)
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
  return { hash, program }
}

async function run(program: string, parameters: readonly string[], cwd: string): Promise<string> {
  const child = spawn(program, parameters, { cwd, env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' } })
  let [out, all] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece
    all += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    all += piece
  })
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`${program} ${parameters.join(' ')} ended with ${status}:\n${all}`)
  return out
}
