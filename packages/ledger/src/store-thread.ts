import { Worker } from 'node:worker_threads'
import type { Clock } from '@spillway/middleware'
import { backgroundClock, type CancelTimer } from '@spillway/middleware/kit'
import type { Warn } from './private-files.ts'
import type { SqlStoreOptions } from './sql-store.ts'

/** A method of the store in the other thread, to be called. */
export interface WorkerQuestion {
  readonly id: number
  readonly part: 'store' | 'audit'
  readonly name: string
  readonly parameters: readonly unknown[]
}

/** What it gave, or threw. Codes do not survive the way between threads by itself. */
export interface WorkerAnswer {
  readonly id: number
  readonly value?: unknown
  readonly error?: unknown
  readonly code?: unknown
  readonly errcode?: unknown
}

export interface ThreadSettings extends SqlStoreOptions {
  readonly url: string
}

/** What the thread begins with. */
export interface WorkerSettings extends ThreadSettings {
  /** One number: not 0 while views shall end. */
  readonly interruption: SharedArrayBuffer
}

/** What the operator should know. */
export interface WorkerNote {
  readonly line: string
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** When an idle thread ends. */
export interface Idling {
  /** After so many milliseconds at most; Infinity for a database that ends with its thread. */
  readonly after: number
  readonly clock?: Clock | undefined
}

/** How long an idle thread stays at least, in milliseconds. */
const shortest = 1_000

/**
 * A thread with one store of SQLite. Starts with the first question, and ends when there was none for as long as questions have come
 * so far: a thread holds 20 MB, and what only the start of a program asks needs none afterwards. Keeps the process alive only while an
 * answer is awaited.
 */
export class StoreThread {
  readonly #settings: WorkerSettings
  readonly #interruption = new Int32Array(new SharedArrayBuffer(4))
  readonly #warn: Warn
  readonly #idling: Idling
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #closed: Promise<void> | undefined
  #questions = 0
  /** When the first question was answered. */
  #firstAt: number | undefined
  #cancelEnd: CancelTimer | undefined
  /** Resolves when idle threads have ended. */
  #retired: Promise<unknown> = Promise.resolve()

  constructor(settings: ThreadSettings, warn: Warn, idling: Idling) {
    this.#settings = { ...settings, interruption: this.#interruption.buffer as SharedArrayBuffer }
    this.#warn = warn
    this.#idling = idling
  }

  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  /** Calls a method of the store, or of its audit log. */
  ask(part: WorkerQuestion['part'], name: string, parameters: readonly unknown[]): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(new Error('the store is closed'))
    return this.#send(part, name, parameters)
  }

  /** Ends the views that are being read, until {@link resume}. */
  interrupt(): void {
    Atomics.store(this.#interruption, 0, 1)
  }

  resume(): void {
    Atomics.store(this.#interruption, 0, 0)
  }

  /** Ends the thread as soon as its statement lets it. Whoever waits hears then; the next question starts another one. */
  restart(): void {
    this.#worker?.terminate()
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  #send(part: WorkerQuestion['part'], name: string, parameters: readonly unknown[]): Promise<unknown> {
    const worker = this.#start()
    this.#cancelEnd?.()
    // A signal cannot be sent: SQLite does not hang, and its thread is not ended by one who no longer waits.
    const sent = parameters.filter((parameter) => !(parameter instanceof AbortSignal))
    const question: WorkerQuestion = { id: this.#questions++, part, name, parameters: sent }
    return new Promise((resolve, reject) => {
      worker.postMessage(question)
      if (this.#waiting.size === 0) worker.ref()
      this.#waiting.set(question.id, { resolve, reject })
    })
  }

  async #end(): Promise<void> {
    if (this.#worker !== undefined) {
      this.interrupt()
      await this.#send('store', 'close', []).catch(() => {})
      this.#cancelEnd?.()
      await this.#worker?.terminate()
    }
    await this.#retired
  }

  /** All that was asked has been answered. */
  #rest(worker: Worker): void {
    worker.unref()
    const { after, clock = backgroundClock } = this.#idling
    if (after === Infinity) return
    const now = clock.now()
    this.#firstAt ??= now
    const wait = Math.min(Math.max(shortest, now - this.#firstAt), after)
    this.#cancelEnd = clock.setTimer(wait, () => {
      this.#worker = undefined
      this.#retired = Promise.all([this.#retired, worker.terminate()])
    })
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker
    // The sources run as they are, in tests; what is published is JavaScript.
    const file = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js'
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: this.#settings,
      name: 'spillway-ledger',
      // Those of the process may be for its own entry alone, such as --input-type.
      execArgv: [],
    })
    this.#worker = worker
    worker.unref()
    worker.on('message', (message: WorkerAnswer | WorkerNote) => {
      if ('line' in message) this.#warn(message.line)
      else this.#answer(worker, message)
    })
    worker.on('error', (error) => this.#lost(worker, error))
    worker.on('exit', () => this.#lost(worker, new Error("the ledger's thread has ended")))
    return worker
  }

  #answer(worker: Worker, { id, value, error, code, errcode }: WorkerAnswer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#rest(worker)
    if (error === undefined) waiting?.resolve(value)
    else if (!(error instanceof Error) || code === undefined) waiting?.reject(error)
    else waiting?.reject(Object.assign(error, { code }, errcode !== undefined && { errcode }))
  }

  /** Who waits is told; the next question starts another thread. */
  #lost(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#cancelEnd?.()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
  }
}
