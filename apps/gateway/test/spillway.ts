import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { ownKey, temporaryFolder } from './gateway.ts'

/** The built program: `pnpm build` comes first. */
export const program = fileURLToPath(new URL('../bin/spillway.js', import.meta.url))

/** A run of the program. */
export interface Run {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** The exit code, or the name of the signal. */
  readonly exit: Promise<number | string | null>
}

/** What a program may know of the outer environment: no keys. */
export function plainEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE']
  return Object.fromEntries(names.map((name) => [name, process.env[name]]).filter(([, value]) => value))
}

/** Runs the program without any key of the outer environment, until the test has ended. */
export function spillway(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Run {
  const run = spawned(args, env, cwd)
  onTestFinished(() => void run.child.kill('SIGKILL'))
  return run
}

/** The same, for as long as the caller lets it run. */
export function spawned(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Run {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...plainEnvironment(), SPILLWAY_TEST_KEY: ownKey.value, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      text[name] += piece
    })
  }
  const exit = new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal)),
  )
  return { child, stdout: () => text.stdout, stderr: () => text.stderr, exit }
}

/** Writes a configuration into a folder of the test. */
export function configFile(config: object | string): string {
  const file = join(temporaryFolder(), 'spillway.yaml')
  writeFileSync(file, typeof config === 'string' ? config : stringify(config))
  return file
}

/** Waits until the condition is met. */
export async function until(condition: () => boolean, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`the condition was not met within ${ms} ms`)
    await delay(10)
  }
}

/** The line that says where the gateway listens. */
export const ready = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m

/** Starts the gateway with this configuration and waits until it says where it listens. */
export async function started(config: object): Promise<Run & { url: string }> {
  const run = spillway(['start', '--config', configFile(config), '--port', '0'])
  await until(() => ready.test(run.stdout()) || run.child.exitCode !== null)
  return { ...run, url: ready.exec(run.stdout())?.[1] ?? run.stderr() }
}
