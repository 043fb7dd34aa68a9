import { type Clock, systemClock } from '@spillway/middleware'
import { type CancelTimer, guardListener, withDefaults } from '@spillway/middleware/kit'
import { ChannelError } from './channel-error.ts'
import { type Entry, errorOf, failureOf, isBatch, kinds } from './messages.ts'
import { createOutbox } from './outbox.ts'
import type { Port } from './port.ts'

/** A request that one process sends to another. Names are unique, such as `limits.acquire`. */
export interface Question<Argument, Answer> {
  readonly name: string
  /** Types alone. */
  readonly of?: (argument: Argument) => Answer
}

/** What one process tells another, which does not answer. */
export interface Note<Argument> {
  readonly name: string
  /** Types alone. */
  readonly of?: (argument: Argument) => void
}

export const question = <Argument, Answer>(name: string): Question<Argument, Answer> => ({ name })
export const note = <Argument>(name: string): Note<Argument> => ({ name })

/** What an answer may look at. */
export interface Asking {
  /** Aborts when who has asked no longer waits, or is gone. */
  readonly signal: AbortSignal
}

export interface AskOptions<Answer> {
  /** Ends the wait, and tells who answers. The request rejects with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Whether the request waits for who answers to end also after its signal has aborted. @default false */
  readonly isAwaited?: boolean | undefined
  /** Milliseconds to wait at most; Infinity for as long as the channel is open. @default the channel's `deadline` */
  readonly deadline?: number | undefined
  /** Called with an answer that came after the wait had ended: what it gives may have to be given back. */
  readonly late?: ((answer: Answer) => void) | undefined
  /** Whether the other process is to do what is asked even when nobody waits for the answer any more. @default false */
  readonly isKept?: boolean | undefined
}

export interface ChannelOptions {
  /** Milliseconds that a request waits for its answer. @default 5000 */
  readonly deadline?: number
  /** Requests that wait for an answer at most; one more is rejected. @default 10000 */
  readonly maxPending?: number
  /** Entries that wait to be sent at most, while the other process does not read; one more is rejected. @default 100000 */
  readonly maxQueued?: number
  readonly clock?: Clock
  /** Calls back at the end of the tick. @default setImmediate */
  readonly schedule?: (callback: () => void) => void
}

/** The defaults of {@link ChannelOptions}. */
export const channelDefaults: Required<Omit<ChannelOptions, 'clock' | 'schedule'>> = {
  deadline: 5_000,
  maxPending: 10_000,
  maxQueued: 100_000,
}

/** Requests and notes between two processes. Both sides may ask. */
export interface Channel {
  /**
   * Asks the other process. Settles exactly once.
   * @throws {ChannelError} without an answer: closed, full, too late, unknown, unsendable; the signal's reason when it aborts; or
   * what the answering handler has thrown, with its message and code
   */
  ask<Argument, Answer>(
    asked: Question<Argument, Answer>,
    argument: Argument,
    options?: AskOptions<Answer>,
  ): Promise<Answer>
  /** Tells the other process. @returns false when it cannot be told: the channel is closed or full */
  tell<Argument>(told: Note<Argument>, argument: Argument): boolean
  /** Answers a request; returns how to stop it. One handler for each name. */
  answer<Argument, Answer>(
    asked: Question<Argument, Answer>,
    handler: (argument: Argument, asking: Asking) => Answer | Promise<Answer>,
  ): () => void
  /** Hears a note; returns how to stop it. */
  hear<Argument>(told: Note<Argument>, listener: (argument: Argument) => void): () => void
  /** Calls back once, when the channel is closed; at once where it is already. Returns how to stop that. */
  onClose(listener: () => void): () => void
  readonly isOpen: boolean
  /** Requests that wait for an answer. */
  readonly pending: number
  /** Sends now what waits for the end of the tick. */
  flush(): void
  /** Stops to use the port. All that wait are rejected. */
  close(): void
}

interface Pending {
  readonly entry: Entry
  resolve(answer: unknown): void
  reject(error: unknown): void
  readonly late: ((answer: never) => void) | undefined
}

type Handler = (argument: unknown, asking: Asking) => unknown

/**
 * Opens a channel over a port. What is said in one tick goes as one message. A message that cannot be handed over closes the channel: nothing
 * is lost silently.
 */
export function openChannel(port: Port, options: ChannelOptions = {}): Channel {
  const { deadline, maxPending, maxQueued, clock, schedule } = withDefaults(
    {
      ...channelDefaults,
      clock: systemClock as Clock,
      schedule: ((callback) => void setImmediate(callback)) as (callback: () => void) => void,
    },
    options,
  )
  const pending = new Map<number, Pending>()
  /** Requests that nobody waits for any more, whose answer has to be heard. */
  const abandoned = new Map<number, (answer: never) => void>()
  const answering = new Map<number, Asked>()
  const handlers = new Map<string, Handler>()
  const listeners = new Map<string, Set<(argument: unknown) => void>>()
  const closing = new Set<() => void>()
  let isOpen = true
  let ids = 0

  const outbox = createOutbox({
    ...{ port, schedule },
    unsendable(entry, error) {
      if (entry[0] === kinds.request)
        settle(entry[1])?.reject(
          new ChannelError('channel_unsendable', `${entry[2]} cannot be sent: ${error.message}`),
        )
    },
    failed: () => close(),
  })

  const settle = (id: number): Pending | undefined => {
    const found = pending.get(id)
    pending.delete(id)
    return found
  }

  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    stopHearing()
    stopWatching()
    outbox.close()
    const waiting = [...pending.values()]
    pending.clear()
    abandoned.clear()
    for (const { reject } of waiting) reject(closedError())
    const asked = [...answering.values()]
    answering.clear()
    for (const each of asked) each.abort()
    for (const listener of [...closing]) listener()
    closing.clear()
  }

  const answerTo = async (id: number, name: string, argument: unknown): Promise<void> => {
    const handler = handlers.get(name)
    const asked = new Asked()
    answering.set(id, asked)
    let entry: Entry
    try {
      if (handler === undefined) throw unknownError(name)
      const answer = handler(argument, asked)
      entry = [kinds.answer, id, answer instanceof Promise ? await answer : answer]
    } catch (error) {
      entry = [kinds.failure, id, failureOf(error)]
    }
    answering.delete(id)
    outbox.add(entry)
  }

  const take = (entry: Entry): void => {
    switch (entry[0]) {
      case kinds.request:
        return void answerTo(entry[1], entry[2], entry[3])
      case kinds.answer: {
        const late = abandoned.get(entry[1])
        abandoned.delete(entry[1])
        if (late !== undefined) return late(entry[2] as never)
        return settle(entry[1])?.resolve(entry[2])
      }
      case kinds.failure:
        abandoned.delete(entry[1])
        return settle(entry[1])?.reject(errorOf(entry[2]))
      case kinds.cancel:
        return answering.get(entry[1])?.abort()
      case kinds.note:
        for (const listener of [...(listeners.get(entry[1]) ?? [])]) listener(entry[2])
    }
  }

  const stopHearing = port.onMessage((message) => {
    if (!isBatch(message)) return
    for (const entry of message.entries) if (isOpen) take(entry)
  })
  const stopWatching = port.onClose(close)
  if (!port.isOpen) close()

  return {
    ask: (asked, argument, { signal, late, isKept = false, isAwaited = false, ...own } = {}) =>
      new Promise((resolve, reject) => {
        if (!isOpen) return reject(closedError())
        if (signal?.aborted) return reject(signal.reason)
        if (pending.size + abandoned.size >= maxPending || outbox.size >= maxQueued)
          return reject(
            new ChannelError('channel_full', `${asked.name} was not sent: too many requests wait`),
          )
        const id = ++ids
        const entry: Entry = [kinds.request, id, asked.name, argument]
        const end = (): void => {
          cancelDeadline()
          signal?.removeEventListener('abort', leave)
        }
        const giveUp = (error: unknown): void => {
          if (isAwaited && !outbox.has(entry)) return outbox.add([kinds.cancel, id])
          settle(id)?.reject(error)
          if (isKept || outbox.remove(entry)) return
          if (late !== undefined) abandoned.set(id, late as (answer: never) => void)
          outbox.add([kinds.cancel, id])
        }
        const leave = (): void => giveUp(signal?.reason)
        // A process that had much to do may have the answer, and not have read it: that is read first.
        const lookOnce = (end: () => void): void =>
          schedule(() => schedule(() => void (pending.has(id) && end())))
        const ms = own.deadline ?? deadline
        const cancelDeadline: CancelTimer =
          ms === Infinity
            ? () => {}
            : clock.setTimer(ms, () => lookOnce(() => giveUp(timeoutError(asked.name, ms))))
        signal?.addEventListener('abort', leave, { once: true })
        pending.set(id, {
          ...{ entry, late: undefined },
          resolve(answer) {
            end()
            resolve(answer as never)
          },
          reject(error) {
            end()
            reject(error)
          },
        })
        outbox.add(entry)
      }),
    tell(told, argument) {
      if (!isOpen || outbox.size >= maxQueued) return false
      outbox.add([kinds.note, told.name, argument])
      return true
    },
    answer(asked, handler) {
      if (handlers.has(asked.name)) throw new Error(`${asked.name} is answered already`)
      handlers.set(asked.name, handler as Handler)
      return () => handlers.delete(asked.name)
    },
    hear(told, listener) {
      const set = listeners.get(told.name) ?? new Set()
      listeners.set(told.name, set)
      const guarded = guardListener(told.name, listener) as (argument: unknown) => void
      set.add(guarded)
      return () => set.delete(guarded)
    },
    onClose(listener) {
      if (!isOpen) {
        listener()
        return () => {}
      }
      closing.add(listener)
      return () => closing.delete(listener)
    },
    get isOpen() {
      return isOpen
    },
    get pending() {
      return pending.size
    },
    flush: () => outbox.flush(),
    close,
  }
}

/** A request that is being answered. Most handlers never look at the signal, so it is made for those that do. */
class Asked implements Asking {
  #controller: AbortController | undefined
  #isAborted = false

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isAborted) this.abort()
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort(new ChannelError('channel_closed', 'nobody waits for the answer any more'))
  }
}

const closedError = (): ChannelError =>
  new ChannelError('channel_closed', 'the channel to the other process is closed')
const unknownError = (name: string): ChannelError =>
  new ChannelError('channel_unknown', `${name} is not known: the other process may be of another version`)
const timeoutError = (name: string, ms: number): ChannelError =>
  new ChannelError('channel_timeout', `${name} was not answered within ${ms} ms`)
