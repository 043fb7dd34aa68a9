import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Agent, request } from 'undici'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { anthropicHeaders, messages } from './raw-client.ts'
import { configFile, type Run, spillway, until } from './spillway.ts'

/** A gateway of several processes. */
export interface RunningWorkers extends Run {
  readonly url: string
  readonly pid: number
  readonly file: string
  /** The processes of its workers, those that end their calls too. */
  pids(): number[]
  /** Replaces its configuration, and waits until the gateway says so. */
  write(config: object, server?: object): void
  /** Its log, line by line. */
  log(): Record<string, unknown>[]
  /** Waits for a line of its log with this text. */
  said(text: string | RegExp): Promise<void>
}

/** Starts a gateway of two workers, whose log is for machines, and waits until it listens. */
export async function startedWorkers(
  config: object,
  server: object = {},
  env: Record<string, string> = {},
): Promise<RunningWorkers> {
  const whole = (next: object, more: object): string =>
    stringify({ ...next, server: { workers: 2, log: { format: 'json' }, ...more } })
  const file = configFile(whole(config, server))
  const run = spillway(['start', '--config', file, '--port', '0'], { XDG_STATE_HOME: dirname(file), ...env })
  const pid = run.child.pid as number
  const seen = new Set<number>()
  const pids = (): number[] => {
    const found = childrenOf(pid)
    for (const each of found) seen.add(each)
    return found
  }
  onTestFinished(async () => {
    pids()
    run.child.kill('SIGKILL')
    for (const each of seen) kill(each)
    await run.exit
  })
  const text = (): string => run.stdout() + run.stderr()
  await until(() => listening.test(run.stdout()) || run.child.exitCode !== null, 30_000)
  return {
    ...{ ...run, pid, file, pids },
    url: listening.exec(run.stdout())?.[1] ?? run.stderr(),
    write: (next, more = server) => writeFileSync(file, whole(next, more)),
    log: () =>
      run
        .stdout()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    said: (what) =>
      until(() => (typeof what === 'string' ? text().includes(what) : what.test(text())), 30_000),
  }
}

const listening = /listening on (https?:\/\/127\.0\.0\.1:\d+)/

export function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
  return stdout.split('\n').filter(Boolean).map(Number)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** A steady load. */
export interface Load {
  /** How often each status came; 0 stands for a connection that broke. */
  readonly statuses: ReadonlyMap<number, number>
  /** What was answered with 200 so far. */
  readonly answered: number
  /** Resolves when so many more were answered. */
  more(count: number): Promise<void>
  stop(): Promise<void>
}

/** Calls again and again, streams and others, over connections that stay open. */
export function startLoad(url: string, callers = 10, connect: object = {}): Load {
  const agent = new Agent({ connections: callers, connect })
  const statuses = new Map<number, number>()
  let isOver = false
  let sent = 0
  const answered = (): number => statuses.get(200) ?? 0
  const once = async (): Promise<number> => {
    const { statusCode, body } = await request(`${url}/v1/messages`, {
      method: 'POST',
      headers: anthropicHeaders,
      body: JSON.stringify(messages({ stream: sent++ % 2 === 0 })),
      dispatcher: agent,
    })
    const text = await body.text()
    return statusCode === 200 && !/message_stop|"stop_reason":"end_turn"/.test(text) ? 0 : statusCode
  }
  const running = Array.from({ length: callers }, async () => {
    while (!isOver) {
      const status = await once().catch(() => 0)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  const stop = async (): Promise<void> => {
    isOver = true
    await Promise.all(running)
    await agent.destroy()
  }
  onTestFinished(stop)
  return {
    statuses,
    get answered() {
      return answered()
    },
    async more(count) {
      const before = answered()
      await until(() => answered() >= before + count, 30_000)
    },
    stop,
  }
}
