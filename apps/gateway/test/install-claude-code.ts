import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

// The real Claude Code, which is not a dependency: it is installed on demand, once, beside the tests' caches.

const run = promisify(execFile)
const packageName = '@anthropic-ai/claude-code'
const version = '2.1.330'
const cache = fileURLToPath(new URL(`../node_modules/.cache/claude-code-${version}`, import.meta.url))
/** Finds the native binary of this machine by itself, so that no install script needs to run. */
const launcher = join(cache, 'node_modules', packageName, 'cli-wrapper.cjs')

/** The script that starts Claude Code; undefined, with a printed word, where it cannot be installed. */
export async function installClaudeCode(): Promise<string | undefined> {
  try {
    if (!existsSync(launcher)) await install()
    const { stdout } = await run(process.execPath, [launcher, '--version'], { timeout: 60_000 })
    if (stdout.startsWith(version)) return launcher
    throw new Error(`expected version ${version}, found ${stdout.trim()}`)
  } catch (error) {
    console.warn(`SKIPPED: Claude Code ${version} could not be installed: ${(error as Error).message}`)
    return undefined
  }
}

/** Into a folder of its own first: two test files may install at the same time, and half of it must be in nobody's way. */
async function install(): Promise<void> {
  const folder = `${cache}-${process.pid}`
  await mkdir(folder, { recursive: true })
  try {
    const flags = ['--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', ...flags, `${packageName}@${version}`], { timeout: 240_000 })
    await rename(folder, cache).catch((error: unknown) => {
      if (!existsSync(launcher)) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
