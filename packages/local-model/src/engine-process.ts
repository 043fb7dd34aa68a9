import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { FromEngine, ToEngine } from './engine-messages.ts'

/** What is heard of a process. Nothing is heard after `gone`. */
export interface ProcessListener {
  message(message: FromEngine): void
  /** It has ended, or could not be started: how, and the end of what it wrote to its standard error. */
  gone(how: string, complaint: string): void
}

/** A running process with llama.cpp in it. */
export interface EngineProcess {
  readonly pid: number | undefined
  /** Messages arrive in their order. Resolves when this one has been passed on, or never will be. */
  send(message: ToEngine): Promise<void>
  /** Whether this process is kept alive by it. Not at first. */
  hold(isHeld: boolean): void
  /** Ends it at once, whatever it does. */
  kill(): void
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

/** How much of what it wrote before it crashed is kept, in characters. */
const longestComplaint = 2000

// The sources run as they are, in tests; what is published is JavaScript.
const childName = import.meta.url.endsWith('.ts') ? './engine-child.ts' : './engine-child.js'
const childFile = fileURLToPath(new URL(childName, import.meta.url))

/** Starts a process for an engine. It ends with this one, however this one ends. */
export function startEngineProcess(listener: ProcessListener, file: string = childFile): EngineProcess {
  const child = fork(file, {
    serialization: 'advanced',
    // Those of this process may be for its own entry alone, such as --input-type. An inspector, which Node opens at
    // SIGUSR1, would read every prompt, and the environment with its keys.
    execArgv: ['--disable-sigusr1'],
    // llama.cpp would have a debugger print its stack when it aborts.
    env: { ...process.env, GGML_NO_BACKTRACE: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    windowsHide: true,
  })
  const complaint = keepTail(child)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let isGone = false
  const gone = (how: string): void => {
    resolve()
    if (isGone) return
    isGone = true
    listener.gone(how, complaint())
  }
  child.on('message', (message) => {
    if (!isGone) listener.message(message as FromEngine)
  })
  child.on('error', (error) => {
    if (child.pid === undefined) gone(`could not be started (${error.message})`)
  })
  // Unlike `exit`, `close` comes after the last of what it wrote.
  child.on('close', (code, signal) => gone(`has ended with ${signal ?? `code ${code}`}`))
  hold(child, false)
  return {
    pid: child.pid,
    send: (message) =>
      new Promise((sent) => {
        // What the pipe takes at once is passed on within this turn of the event loop; others have theirs first.
        if (child.connected) child.send(message, () => setImmediate(sent))
        else sent()
      }),
    hold: (isHeld) => hold(child, isHeld),
    kill() {
      child.kill('SIGKILL')
    },
    ended,
  }
}

function hold(child: ChildProcess, isHeld: boolean): void {
  const how = isHeld ? 'ref' : 'unref'
  child[how]()
  child.channel?.[how]()
  ;(child.stderr as Socket | null)?.[how]()
}

/** Keeps the end of what a process writes to its standard error, where llama.cpp says why it aborts. */
function keepTail({ stderr }: ChildProcess): () => string {
  let tail = ''
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = `${tail}${text}`.slice(-longestComplaint)
  })
  return () => tail.trim()
}
