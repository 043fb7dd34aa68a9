import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A program of npm that tests run and that is no dependency. */
export interface Program {
  /** For people. */
  readonly name: string
  readonly packageName: string
  readonly version: string
  /** The script that starts it, within its package. It finds the native binary of this machine by itself. */
  readonly script: string
}

/**
 * Installs a program on demand, once, beside the tests' caches. No install script runs.
 * @returns the script that starts it; undefined, with a printed word, where it cannot be installed
 */
export async function installProgram({
  name,
  packageName,
  version,
  script,
}: Program): Promise<string | undefined> {
  const short = packageName.slice(packageName.indexOf('/') + 1)
  const cache = fileURLToPath(new URL(`../node_modules/.cache/${short}-${version}`, import.meta.url))
  const launcher = join(cache, 'node_modules', packageName, script)
  try {
    if (!existsSync(launcher)) await install(cache, launcher, `${packageName}@${version}`)
    const { stdout } = await run(process.execPath, [launcher, '--version'], { timeout: 60_000 })
    if (stdout.includes(version)) return launcher
    throw new Error(`expected version ${version}, found ${stdout.trim()}`)
  } catch (error) {
    console.warn(`SKIPPED: ${name} ${version} could not be installed: ${(error as Error).message}`)
    return undefined
  }
}

/** Into a folder of its own first: two test files may install at the same time, and half of it must be in nobody's way. */
async function install(cache: string, launcher: string, packageAndVersion: string): Promise<void> {
  const folder = `${cache}-${process.pid}`
  await mkdir(folder, { recursive: true })
  try {
    const flags = ['--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', ...flags, packageAndVersion], { timeout: 240_000 })
    await rename(folder, cache).catch((error: unknown) => {
      if (!existsSync(launcher)) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
