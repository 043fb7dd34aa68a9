import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../run-command.ts'

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
  const hash = (
    await runCommand('git', ['rev-parse', '--verify', `${commit}^{commit}`], { cwd: root })
  ).trim()
  const folder = join(kept, hash)
  const program = join(folder, 'apps/gateway/bin/spillway.js')
  if (existsSync(folder)) return { hash, program }
  const building = `${folder}.${process.pid}`
  mkdirSync(kept, { recursive: true })
  try {
    say(`building the gateway of ${hash.slice(0, 7)}, once …`)
    await runCommand('git', ['clone', '--quiet', '--no-checkout', root, building], { cwd: root })
    const at = { cwd: building, env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' } }
    await runCommand('git', ['checkout', '--quiet', hash], at)
    await runCommand('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--silent'], at)
    const quiet = '--output-logs=errors-only'
    await runCommand('pnpm', ['exec', 'turbo', 'run', 'build', '--filter=@spillway/gateway', quiet], at)
    renameSync(building, folder)
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
  return { hash, program }
}
