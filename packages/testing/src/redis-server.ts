import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

/** A real `redis-server` of one's own, on a free port of 127.0.0.1. Keeps nothing on disk. */
export interface PrivateRedis {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  /** Kills the server; its data are gone. */
  stop(): Promise<void>
  /** Starts it again, empty, on the same port. */
  start(): Promise<void>
  /** Holds the process still: connections stay open and nothing is answered. */
  pause(): void
  resume(): void
  /** Stops it for good. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Whether `redis-server` is installed on this machine. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/**
 * Starts a {@link PrivateRedis}.
 * @throws Error when `redis-server` is not installed or does not start
 */
export async function startRedis(): Promise<PrivateRedis> {
  if (!hasRedis()) throw new Error('redis-server is not installed; on Debian: apt-get install redis-server')
  const directory = await mkdtemp(join(tmpdir(), 'spillway-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined

  const start = async (): Promise<void> => {
    if (child !== undefined) return
    const options = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory]
    child = spawn('redis-server', [...options, '--save', '', '--appendonly', 'no'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let log = ''
    for await (const chunk of child.stdout as NonNullable<ChildProcess['stdout']>) {
      log += chunk
      if (log.includes('Ready to accept connections')) break
    }
    if (!log.includes('Ready to accept connections')) throw new Error(`redis-server did not start:\n${log}`)
    child.stdout?.destroy()
    child.unref()
  }
  const stop = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.ref()
    running.kill('SIGKILL')
    await exited
  }
  const close = async (): Promise<void> => {
    await stop()
    await rm(directory, { recursive: true, force: true, maxRetries: 9 })
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close,
    [Symbol.asyncDispose]: close,
  }
}
