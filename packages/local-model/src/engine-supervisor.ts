import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import type { FromEngine } from './engine-messages.ts'
import type { EngineOptions } from './engine-options.ts'
import type { EngineProcess, ProcessListener } from './engine-process.ts'
import { LocalModelError } from './local-model-error.ts'
import { modelNameOf } from './model-name.ts'

/** What an engine needs of the world. */
export interface EngineWorld {
  readonly clock: Clock
  start(listener: ProcessListener): EngineProcess
}

export interface SupervisorListener {
  message(message: FromEngine): void
  /** The process has ended, and with it all that it worked on. */
  lost(error: LocalModelError): void
}

/** How often a process that works is asked for a sign of life, in milliseconds. */
const pingEvery = 5_000
/** A process that has left so many of these unanswered hangs. llama.cpp's own long work leaves its event loop free. */
const unansweredPings = 6
/** The wait before the second start in a row that ends in a crash, in milliseconds; it doubles with each further one. */
const firstDelay = 1_000
const longestDelay = 60_000
/** How long a killed process is waited for, in milliseconds; it may hang in the kernel. */
const longestEnd = 5_000

/** Keeps a process for an engine: starts it when it is needed, and again, ever later, when it crashes. */
export class EngineSupervisor {
  readonly #options: EngineOptions
  readonly #listener: SupervisorListener
  readonly #world: EngineWorld
  #process: EngineProcess | undefined
  #stopWatching: CancelTimer | undefined
  #unanswered = 0
  #crashes = 0
  #notBefore = 0

  constructor(options: EngineOptions, listener: SupervisorListener, world: EngineWorld) {
    this.#options = options
    this.#listener = listener
    this.#world = world
  }

  /**
   * The process, which is started where there is none.
   * @throws LocalModelError when it cannot be started, or has crashed so often that it is not started yet
   */
  process(): EngineProcess {
    if (this.#process !== undefined) return this.#process
    const wait = this.#notBefore - this.#world.clock.now()
    if (wait > 0) {
      throw this.#failed(
        `has crashed ${this.#crashes} times in a row; it is started again in ${Math.ceil(wait / 1000)} s at the earliest`,
      )
    }
    try {
      this.#process = this.#start()
    } catch (error) {
      this.#delayStart()
      throw this.#failed(`cannot start its process: ${(error as Error).message}`, error)
    }
    void this.#process.send({ type: 'open', options: this.#options })
    return this.#process
  }

  /** Whether calls wait for the process: it holds this process open, and has to show that it is alive. */
  watch(isAwaited: boolean): void {
    this.#process?.hold(isAwaited)
    if (isAwaited && this.#process !== undefined) {
      this.#stopWatching ??= this.#ping()
    } else {
      this.#stopWatching?.()
      this.#stopWatching = undefined
      this.#unanswered = 0
    }
  }

  /** The process has done what it is for. */
  works(): void {
    this.#crashes = 0
  }

  /** Ends the process; the next use starts another. Resolves when it has ended, or will not. */
  async dismiss(): Promise<void> {
    const process = this.#process
    if (process === undefined) return
    this.watch(false)
    this.#process = undefined
    process.kill()
    const { promise: tooLong, resolve } = Promise.withResolvers<void>()
    const cancel = this.#world.clock.setTimer(longestEnd, resolve)
    await Promise.race([process.ended, tooLong])
    cancel()
  }

  #start(): EngineProcess {
    const process: EngineProcess = this.#world.start({
      message: (message) => {
        if (process !== this.#process) return
        this.#unanswered = 0
        this.#listener.message(message)
      },
      gone: (how, complaint) => {
        if (process === this.#process) this.#lost(`its process ${how}`, complaint)
      },
    })
    return process
  }

  #lost(how: string, complaint: string): void {
    this.watch(false)
    this.#process = undefined
    this.#delayStart()
    this.#listener.lost(this.#failed(`failed: ${how}`, complaint === '' ? undefined : new Error(complaint)))
  }

  /** The first crash may be an accident. */
  #delayStart(): void {
    this.#crashes++
    const delay = this.#crashes === 1 ? 0 : firstDelay * 2 ** (this.#crashes - 2)
    this.#notBefore = this.#world.clock.now() + Math.min(delay, longestDelay)
  }

  #ping(): CancelTimer {
    return this.#world.clock.setTimer(pingEvery, () => {
      const process = this.#process as EngineProcess
      if (this.#unanswered === unansweredPings) {
        this.#lost(`its process has hung for ${(pingEvery * unansweredPings) / 1000} s`, '')
        return process.kill()
      }
      this.#unanswered++
      void process.send({ type: 'ping' })
      this.#stopWatching = this.#ping()
    })
  }

  #failed(what: string, cause?: unknown): LocalModelError {
    const message = `the local model ${modelNameOf(this.#options)} ${what}`
    return new LocalModelError('SPILLWAY_LOCAL_ENGINE_FAILED', message, { cause })
  }
}
