import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '@spillway/middleware'
import { EngineClient } from '../src/engine-client.ts'
import type { EngineOptions } from '../src/engine-options.ts'
import { startEngineProcess } from '../src/engine-process.ts'
import type { EngineWorld } from '../src/engine-supervisor.ts'

/** An engine, and the ids of the processes that it has started so far. */
export function watchedEngine(options: EngineOptions): { engine: EngineClient; pids: number[] } {
  const pids: number[] = []
  const start: EngineWorld['start'] = (listener) => {
    const started = startEngineProcess(listener)
    if (started.pid !== undefined) pids.push(started.pid)
    return started
  }
  return { engine: new EngineClient(options, { clock: systemClock, start }), pids }
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until something is so. */
export async function until(condition: () => boolean, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`the condition was not met within ${ms} ms`)
    await delay(5)
  }
}
