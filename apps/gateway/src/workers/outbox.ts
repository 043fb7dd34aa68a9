import { ChannelError } from './channel-error.ts'
import { type Entry, failureOf, kinds } from './messages.ts'
import type { Port } from './port.ts'

export interface OutboxOptions {
  readonly port: Port
  /** Calls back at the end of the tick. */
  readonly schedule: (callback: () => void) => void
  /** An entry cannot be serialised. */
  readonly unsendable: (entry: Entry, error: Error) => void
  /** A message was not handed over: nothing after it may be either. */
  readonly failed: () => void
}

/** What waits to be sent: that of one tick goes as one message, and nothing while the port has too much. */
export interface Outbox {
  add(entry: Entry): void
  /** Whether it has not been sent yet. */
  has(entry: Entry): boolean
  /** Takes back what has not been sent yet. */
  remove(entry: Entry): boolean
  /** Sends what waits now. */
  flush(): void
  readonly size: number
  close(): void
}

export function createOutbox({ port, schedule, unsendable, failed }: OutboxOptions): Outbox {
  let waiting = new Set<Entry>()
  let isScheduled = false
  /** Messages that were handed over to the port when it had too much. */
  let isBlocked = false
  let isClosed = false

  const send = (entries: readonly Entry[]): void => {
    let isHandedOver = false
    const isReady = port.send({ spillway: 1, entries }, (error) => {
      isHandedOver = true
      if (isClosed) return
      if (error) return failed()
      if (!isBlocked) return
      isBlocked = false
      flush()
    })
    if (!isReady && !isHandedOver) isBlocked = true
  }

  /** One entry that cannot be serialised must not take the others with it. */
  const sendEach = (entries: readonly Entry[]): void => {
    for (const entry of entries) {
      try {
        send([entry])
      } catch (error) {
        if (entry[0] === kinds.answer) send([[kinds.failure, entry[1], unsendableFailure(error)]])
        else unsendable(entry, error as Error)
      }
    }
  }

  const flush = (): void => {
    if (waiting.size === 0 || isBlocked || isClosed) return
    const entries = [...waiting]
    waiting = new Set()
    try {
      send(entries)
    } catch {
      sendEach(entries)
    }
  }

  return {
    add(entry) {
      if (isClosed) return
      waiting.add(entry)
      if (isScheduled) return
      isScheduled = true
      schedule(() => {
        isScheduled = false
        flush()
      })
    },
    has: (entry) => waiting.has(entry),
    remove: (entry) => waiting.delete(entry),
    flush,
    get size() {
      return waiting.size
    },
    close() {
      isClosed = true
      waiting = new Set()
    },
  }
}

function unsendableFailure(error: unknown): ReturnType<typeof failureOf> {
  return failureOf(
    new ChannelError('channel_unsendable', `the answer cannot be sent: ${(error as Error).message}`),
  )
}
