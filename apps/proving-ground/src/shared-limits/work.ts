import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Limits } from '@spillway/rate-limit'

export interface WorkerOptions {
  readonly redis: string
  /** How many times as fast as the real time all waits and windows are. */
  readonly speed: number
  readonly limits: Limits
  /** Calls that are offered a minute. */
  readonly perMinute: number
  /** How long a call takes, in milliseconds of the fast clock, as all that follow. */
  readonly holdMs: number
  readonly maxWait: number
  readonly lease: number
}

export type WorkerReport =
  | { readonly type: 'ready' }
  /** `at` is in milliseconds of the fast clock. */
  | { readonly type: 'admitted'; readonly at: number }
  | { readonly type: 'refused'; readonly kind: string; readonly at: number }
  | { readonly type: 'status'; readonly status: string; readonly at: number }

/** Several processes at work, and what they have told. */
export interface Work {
  /** When each call was admitted, in milliseconds of the fast clock. */
  readonly admitted: number[]
  /** Kinds of refusals and how many there were. */
  readonly refused: Map<string, number>
  readonly statuses: { readonly status: string; readonly at: number; readonly process: number }[]
  readonly processes: readonly ChildProcess[]
  /** How many calls each process has had admitted. */
  readonly admittedBy: readonly number[]
  stop(): Promise<void>
}

/** Starts processes that offer calls to limits which they share. */
export async function startWork(
  count: number,
  options: WorkerOptions,
  execArgv: readonly string[] = [],
): Promise<Work> {
  const admitted: number[] = []
  const refused = new Map<string, number>()
  const statuses: Work['statuses'] = []
  const path = fileURLToPath(new URL('./worker.ts', import.meta.url))
  const processes = Array.from({ length: count }, () =>
    fork(path, [JSON.stringify(options)], { execArgv: [...execArgv] }),
  )
  const admittedBy = processes.map(() => 0)
  for (const [index, child] of processes.entries()) {
    child.on('message', (message: WorkerReport) => {
      if (message.type === 'admitted') {
        admitted.push(message.at)
        admittedBy[index] = (admittedBy[index] ?? 0) + 1
      }
      if (message.type === 'refused') refused.set(message.kind, (refused.get(message.kind) ?? 0) + 1)
      else if (message.type === 'status') statuses.push({ ...message, process: index })
    })
  }
  await Promise.all(processes.map((child) => once(child, 'message')))
  return {
    admitted,
    refused,
    statuses,
    processes,
    admittedBy,
    async stop() {
      const running = processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      const exits = running.map((child) => once(child, 'exit'))
      for (const child of running) child.send('stop')
      await Promise.all(exits)
    },
  }
}
