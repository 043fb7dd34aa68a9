import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A Redis for one test, on a socket in a temporary folder. */
export interface PrivateRedis {
  readonly path: string
  stop(): Promise<void>
}

/** Whether tests with Redis can run. Without it they are skipped, which is said; under CI they fail instead. */
export function hasRedis(): boolean {
  if (spawnSync('redis-server', ['--version']).error === undefined) return true
  if (process.env.CI) throw new Error('redis-server is not installed, and under CI the tests need it')
  console.warn('SKIPPED: redis-server is not installed, so nothing is tested against Redis')
  return false
}

export async function startRedis(): Promise<PrivateRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-redis-'))
  const path = join(folder, 'redis.sock')
  const options = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder]
  const server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  await ready(server)
  return {
    path,
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      if (server.exitCode === null && server.kill('SIGKILL')) await ended
      rmSync(folder, { recursive: true, force: true, maxRetries: 9 })
    },
  }
}

async function ready(server: ChildProcess): Promise<void> {
  if (server.stdout === null) throw new Error('redis-server has no output')
  for await (const line of createInterface(server.stdout)) {
    if (/ready to accept connections/i.test(line)) break
  }
  if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}`)
  server.stdout.resume()
}
