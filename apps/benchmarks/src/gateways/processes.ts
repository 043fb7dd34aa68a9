import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** A program under measurement, with the processes that it has started. */
export interface Program {
  /** CPU time used so far by all of its processes, in microseconds. */
  cpu(): number
  /** Resident memory of all of its processes now, in bytes. */
  memory(): number
  signal(signal: NodeJS.Signals): void
  /** What it has printed last, for errors. */
  said(): string
  stop(): Promise<void>
}

/** Ticks of `/proc` a second; the same on all Linux machines of today. */
const ticks = 100
const pageSize = 4096

/** Starts a program, which inherits nothing of the benchmark's settings but its PATH and HOME. */
export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Program {
  const { PATH = '', HOME = '/' } = process.env
  const child = spawn(command, args, {
    env: { PATH, HOME, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => {
      said = (said + piece).slice(-4_000)
    })
  child.on('error', (error) => {
    said += error.message
  })
  return {
    ...useOf(child.pid),
    signal: (signal) => void child.kill(signal),
    said: () => said,
    stop: () => stop(child),
  }
}

/** What a process uses, with those that it has started. */
export function useOf(pid: number | undefined): Pick<Program, 'cpu' | 'memory'> {
  return {
    cpu: () => sum(treeOf(pid), ({ utime, stime }) => ((utime + stime) / ticks) * 1e6),
    memory: () => sum(treeOf(pid), ({ rss }) => rss * pageSize),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 6_000)
  await gone
  clearTimeout(timer)
}

interface Stat {
  readonly parent: number
  readonly utime: number
  readonly stime: number
  readonly rss: number
}

/** `/proc/PID/stat`, whose second field may hold spaces and brackets. See proc(5). */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [, parent = 0] = fields
    return { parent, utime: fields[11] ?? 0, stime: fields[12] ?? 0, rss: fields[21] ?? 0 }
  } catch {
    return undefined
  }
}

function treeOf(pid: number | undefined): Stat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(Number(name))
      return stat === undefined ? [] : [{ pid: Number(name), stat }]
    })
  const found: Stat[] = []
  let level = new Set(pid === undefined ? [] : [pid])
  while (level.size > 0) {
    found.push(...all.filter((each) => level.has(each.pid)).map(({ stat }) => stat))
    level = new Set(all.filter(({ stat }) => level.has(stat.parent)).map((each) => each.pid))
  }
  return found
}

const sum = (stats: readonly Stat[], of: (stat: Stat) => number): number =>
  stats.reduce((total, stat) => total + of(stat), 0)
