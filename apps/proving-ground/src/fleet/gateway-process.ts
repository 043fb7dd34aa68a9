import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { program } from './spillway.ts'

/** A real `spillway start`, on a port that it keeps over restarts. */
export interface GatewayProcess {
  readonly name: string
  readonly url: string
  /** What it has written to stderr, but what it says of itself at a start. */
  readonly said: string
  /** The process that was started: alone, or the primary of its workers. */
  readonly pid: number
  /** Its workers; none where it serves calls itself. */
  workers(): readonly number[]
  /** Resolves once it listens. */
  start(): Promise<void>
  /** SIGTERM; resolves with how it ended, once it has. */
  stop(ms: number): Promise<string>
  /** SIGKILL of one of its processes; resolves once that is gone. */
  kill(pid: number): Promise<void>
  /** SIGHUP: reads its configuration again. */
  reload(): void
}

export interface ProcessOptions {
  readonly name: string
  readonly port: number
  readonly file: string
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
}

/** How long a start may take on a machine that is busy, in milliseconds. */
const longestStart = 60_000

export function gatewayProcess({ name, port, file, folder, env }: ProcessOptions): GatewayProcess {
  let child: ChildProcess | undefined
  let said = ''
  const url = `http://127.0.0.1:${port}`
  const running = (): ChildProcess => {
    if (child === undefined) throw new Error(`${name} does not run`)
    return child
  }
  return {
    name,
    url,
    get said() {
      return said
    },
    get pid() {
      return running().pid as number
    },
    workers: () => childrenOf(running().pid as number),
    async start() {
      const started = spawn(
        process.execPath,
        [program, 'start', '--quiet', '--config', file, '--port', String(port)],
        {
          cwd: folder,
          env,
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      child = started
      let out = ''
      started.stdout.setEncoding('utf8').on('data', (piece: string) => {
        out = (out + piece).slice(-10_000)
      })
      started.stderr.setEncoding('utf8').on('data', (piece: string) => {
        said = (said + piece).slice(-100_000)
      })
      const end = performance.now() + longestStart
      while (!out.includes('listening on ')) {
        if (started.exitCode !== null || performance.now() > end)
          throw new Error(`${name} did not start: ${said.slice(-1_000)}`)
        await pause(20)
      }
    },
    async stop(ms) {
      const ending = running()
      const ended = once(ending, 'exit') as Promise<[number | null, string | null]>
      if (ending.exitCode !== null || ending.signalCode !== null) return 'it had ended before'
      ending.kill('SIGTERM')
      const timer = setTimeout(() => ending.kill('SIGKILL'), ms)
      const [code, signal] = await ended
      clearTimeout(timer)
      return signal === null ? `exit code ${code}` : signal
    },
    async kill(pid) {
      process.kill(pid, 'SIGKILL')
      // A zombie holds nothing any more.
      while (isAlive(pid)) await pause(2)
    },
    reload: () => void running().kill('SIGHUP'),
  }
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number)
}

function isAlive(pid: number): boolean {
  try {
    const [, state = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    return !state.startsWith('Z') && !state.startsWith('X')
  } catch {
    return false
  }
}
