import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { leakVariable } from './leak.ts'

/** An event loop may not stand still for longer, in milliseconds. */
export const longestBlock = 100

/** The heap of one thread, in bytes. */
export interface Heap {
  readonly heapUsed: number
  readonly heapTotal: number
}

/** What a process holds after its garbage was collected, in bytes; `resources` are counts of what keeps it alive. */
export interface Holdings extends Heap {
  readonly rss: number
  readonly external: number
  readonly arrayBuffers: number
  readonly resources: Readonly<Record<string, number>>
  /** The heaps of its other threads. */
  readonly workers: readonly Heap[]
}

/** What the system holds for a process: counts. */
export interface SystemHoldings {
  readonly descriptors: number
  readonly threads: number
}

/** A time in which the event loop stood still: the CPU time tells the process's own work from a busy machine. */
export interface Block {
  /** Its end, in milliseconds since the Unix epoch. */
  readonly at: number
  readonly ms: number
  readonly cpuMs: number
}

export type FromMonitor =
  | ({ readonly type: 'block' } & Block)
  | { readonly type: 'uncaught'; readonly text: string }
  | ({ readonly type: 'holdings' } & Holdings)
  | { readonly type: 'snapshot' }

/** What the monitor is asked for: what the process holds, or to write a snapshot of its heap into a file. */
export type ToMonitor = 'holdings' | { readonly snapshot: string }

export interface MonitoredOptions {
  readonly config: object
  /** Where its configuration and its books are. */
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
  /** Bytes that each request leaves behind, to see that they are found. @default 0 */
  readonly leak?: number | undefined
  readonly onBlock?: (block: Block) => void
  /** Each line that it writes to stdout after the one that says where it listens. */
  readonly onLog?: (line: Buffer) => void
  /** All that it writes to stderr. */
  readonly onComplaint?: (text: string) => void
  readonly onExit?: (how: string) => void
}

/** The variable of the environment with the folder in which processes that serve listen for the monitor. */
export const socketsVariable = 'SPILLWAY_PROOF_SOCKETS'
export const monitorSocket = (folder: string, pid: number): string => join(folder, `${pid}.sock`)

/** The built gateway in a process of its own, with the monitor in it. */
export interface MonitoredGateway {
  readonly url: string
  readonly pid: number
  /** Its RSS as it is, in bytes. */
  rss(): number
  /** CPU time of all of its threads so far, in milliseconds. */
  cpu(): number
  holdings(): Promise<Holdings & SystemHoldings>
  /** Writes what is in the heap of its main thread, to be compared in the developer tools of Chromium: the keys of the test, too. */
  snapshot(file: string): Promise<void>
  /** Files and folders that it has left in its folder for temporary ones. */
  temporaryFiles(): string[]
  /** SIGTERM, and SIGKILL when it does not end within this time. @returns whether it ended by itself, with 0 */
  stop(ms: number): Promise<boolean>
}

/**
 * What the README advises for a gateway on Linux with glibc: large blocks go back to the system when they are freed. By default `malloc`
 * learns from the first one to keep them, and RSS is what was free at its fullest, and not what is held.
 */
const malloc: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

/** What it says of itself when it is ready: what is set up, where the dashboard is, and lines for clients. */
const greeting = /^configuration\n(?:.+\n)+\nDashboard[^\n]*:\n(?:.+\n)+\n/

/** How long it may take to say what it holds, in milliseconds. */
const longestSilence = 60_000

const bin = fileURLToPath(new URL('../../gateway/bin/spillway.js', import.meta.url))
const monitor = new URL('./monitor.ts', import.meta.url).href

/** @throws Error when it does not start */
export async function startMonitored(options: MonitoredOptions): Promise<MonitoredGateway> {
  const file = join(options.folder, 'spillway.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(options.config), { mode: 0o600 })
  const [temporary, sockets] = ['tmp', 'monitor'].map((name) => join(options.folder, name)) as [
    string,
    string,
  ]
  for (const folder of [temporary, sockets]) mkdirSync(folder)
  const child = fork(bin, ['start', '--config', file, '--port', '0'], {
    execArgv: ['--expose-gc'],
    // Workers have options of their own, but those of the environment hold for them, too.
    env: {
      ...malloc,
      ...process.env,
      ...options.env,
      [leakVariable]: String(options.leak ?? 0),
      [socketsVariable]: sockets,
      TMPDIR: temporary,
      NO_COLOR: '1',
      NODE_OPTIONS: `--import ${monitor}`,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    cwd: options.folder,
  })
  let isStopping = false
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const complaint = text.replace(greeting, '')
    if (complaint === '') return
    complaints = (complaints + complaint).slice(-4_000)
    if (!isStopping) options.onComplaint?.(complaint)
  })
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  exited.then(([code, signal]) => {
    if (!isStopping) options.onExit?.(`exit code ${code}, signal ${signal}: ${complaints.slice(-1_500)}`)
  })
  child.on('message', (message: FromMonitor) => {
    if (message.type === 'block') options.onBlock?.(message)
    if (message.type === 'uncaught') options.onComplaint?.(message.text)
  })
  const url = await listening(child, exited, options.onLog ?? (() => {}), () => complaints)
  return {
    url,
    pid: child.pid as number,
    rss: () => Number(readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')[1]) * 4_096,
    cpu() {
      const [, times = ''] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')
      const [user, system] = times.split(' ').slice(11, 13).map(Number)
      // A tick is 10 ms.
      return ((user ?? 0) + (system ?? 0)) * 10
    },
    async holdings() {
      const { type: _, ...own } = await ask(child, 'holdings', 'holdings')
      const pids = servingProcesses(child.pid as number)
      const others = await Promise.all(pids.map((pid) => askAt(monitorSocket(sockets, pid))))
      const all = [child.pid as number, ...pids]
      return { ...others.reduce(together, own), descriptors: count(all, 'fd'), threads: count(all, 'task') }
    },
    snapshot: async (file) => void (await ask(child, { snapshot: file }, 'snapshot')),
    temporaryFiles: () => readdirSync(temporary),
    async stop(ms) {
      isStopping = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), ms)
      const [code] = await exited
      clearTimeout(timer)
      return code === 0
    },
  }
}

/** The processes that a primary has started, if it is one. */
function servingProcesses(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

const count = (pids: readonly number[], what: string): number =>
  pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/${what}`).length, 0)

async function askAt(socket: string): Promise<Holdings> {
  return JSON.parse(await text(connect(socket))) as Holdings
}

/** What two processes hold. */
function together(one: Holdings, other: Holdings): Holdings {
  const resources: Record<string, number> = { ...one.resources }
  for (const [name, held] of Object.entries(other.resources)) resources[name] = (resources[name] ?? 0) + held
  const sum = (name: 'rss' | 'heapUsed' | 'heapTotal' | 'external' | 'arrayBuffers'): number =>
    one[name] + other[name]
  return {
    ...{ rss: sum('rss'), heapUsed: sum('heapUsed'), heapTotal: sum('heapTotal') },
    ...{ external: sum('external'), arrayBuffers: sum('arrayBuffers'), resources },
    workers: [...one.workers, ...other.workers],
  }
}

type Answer<Type> = Extract<FromMonitor, { readonly type: Type }>

function ask<Type extends FromMonitor['type']>(
  child: ChildProcess,
  question: ToMonitor,
  type: Type,
): Promise<Answer<Type>> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      child.off('message', hear)
      child.off('exit', fail)
    }
    const hear = (message: FromMonitor): void => {
      if (message.type !== type) return
      end()
      resolve(message as Answer<Type>)
    }
    const fail = (): void => {
      end()
      reject(new Error('the gateway does not say what it holds: it has ended, or stands still'))
    }
    const timer = setTimeout(fail, longestSilence)
    child.on('message', hear)
    child.once('exit', fail)
    child.send(question)
  })
}

async function listening(
  child: ChildProcess,
  exited: Promise<unknown>,
  onLog: (line: Buffer) => void,
  complaints: () => string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout?.on('data', (chunk: Buffer) => {
    if (head === undefined) return onLog(chunk)
    head = Buffer.concat([head, chunk])
    const found = /^listening on (\S+)$/m.exec(head.toString())
    if (found === null) return
    head = undefined
    resolve(found[1] as string)
  })
  exited.then(() => reject(new Error(`the gateway did not start: ${complaints()}`)))
  return await promise
}
