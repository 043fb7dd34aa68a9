import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { keyVariable } from './spillway-config.ts'

/** The command line of the built gateway. */
export const spillwayBin = fileURLToPath(new URL('../../../../gateway/bin/spillway.js', import.meta.url))

/** A Spillway in a process of its own. */
export interface SpillwayProcess {
  readonly url: string
  readonly child: ChildProcess
  /** What it has written to stderr since it listens. */
  complaints(): string
  stop(): Promise<void>
}

/** Starts the built gateway with a configuration. `execArgv` are options for Node. */
export async function startSpillway(
  config: string,
  execArgv: readonly string[] = [],
): Promise<SpillwayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'fault-book-'))
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, config)
  const child = fork(spillwayBin, ['start', '--config', file, '--port', '0', '--quiet'], {
    execArgv: [...execArgv],
    env: { ...process.env, [keyVariable]: 'sk-fault-book' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk
  })
  const exited = once(child, 'exit')
  const url = await listening(child, exited, () => complaints)
  rmSync(folder, { recursive: true })
  complaints = ''
  return {
    url,
    child,
    complaints: () => complaints,
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function listening(
  child: ChildProcess,
  exited: Promise<unknown>,
  complaints: () => string,
): Promise<string> {
  if (child.stdout === null) throw new Error('the gateway has no output')
  const lines = createInterface({ input: child.stdout })
  const { promise, resolve } = Promise.withResolvers<string>()
  lines.on('line', (line) => {
    const url = /^listening on (\S+)$/.exec(line)?.[1]
    if (url !== undefined) resolve(url)
  })
  const died = exited.then(() => Promise.reject(new Error(`the gateway did not start: ${complaints()}`)))
  // It exits later, too, when nobody waits for this any more.
  died.catch(() => {})
  return await Promise.race([promise, died])
}
