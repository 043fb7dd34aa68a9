import type { Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { Lines } from '../log/lines.ts'
import { type Channel, openChannel } from './channel.ts'
import { forwardLines } from './forwarded-lines.ts'
import { createHandovers } from './handovers.ts'
import { ipcPort } from './port.ts'

/** A process that serves, as its primary sees it. */
export interface WorkerProcess {
  readonly id: number
  readonly pid: number
  readonly channel: Channel
  /** How it has ended: `exit code 1`, `SIGKILL`. All that it has written was passed on. */
  readonly exited: Promise<string>
  readonly hasExited: boolean
  kill(): void
}

/** Forks workers of this program. Their lines go where the primary's do. */
export async function openForks(lines: Lines): Promise<(id: number) => WorkerProcess> {
  // Loaded by those who have workers.
  const { default: cluster } = await import('node:cluster')
  // Connections in turn: whoever accepts by itself gets most of them on some systems, and long ones stay where they are.
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('../../bin/spillway.js', import.meta.url)),
    args: ['worker'],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const handovers = createHandovers()
  const colours = process.stdout.isTTY && process.stdout.hasColors()
  return (id) => {
    const forked: Worker = cluster.fork(colours ? { FORCE_COLOR: '1' } : {})
    const { process: child } = forked
    handovers.watch(child)
    const exited = Promise.withResolvers<string>()
    let hasExited = false
    if (child.stdout !== null) forwardLines(child.stdout, lines.out)
    if (child.stderr !== null) forwardLines(child.stderr, lines.err)
    child.on('exit', () => {
      hasExited = true
    })
    child.on('close', (code, signal) => exited.resolve(signal ?? `exit code ${code}`))
    // It could not be forked at all: what follows is `close`.
    forked.on('error', () => {})
    return {
      ...{ id, pid: child.pid ?? 0 },
      channel: openChannel(ipcPort(forked, () => forked.isConnected())),
      exited: exited.promise,
      get hasExited() {
        return hasExited
      },
      kill: () => void child.kill('SIGKILL'),
    }
  }
}
