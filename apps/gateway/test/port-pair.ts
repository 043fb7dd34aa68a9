import type { Port } from '../src/workers/port.ts'

/** One end of a pair, and what a test does to it. */
export interface TestPort extends Port {
  /** Messages that were sent from here. */
  readonly sent: unknown[]
  /** Closes both ends, as when a process ends: messages on their way are lost. */
  cut(): void
  /** Whether the other end reads. What is sent while it does not is kept, and `send` returns false. */
  isRead: boolean
}

/** Two ends in memory. Messages are copied as between processes, and arrive in a later turn of the event loop, one after the other. */
export function portPair(): [TestPort, TestPort] {
  let isOpen = true
  const ends = [0, 1].map(() => ({
    messages: new Set<(message: unknown) => void>(),
    closings: new Set<() => void>(),
  })) as [End, End]
  const cut = (): void => {
    if (!isOpen) return
    isOpen = false
    for (const { closings } of ends) for (const listener of [...closings]) listener()
  }
  const make = (own: End, other: End): TestPort => {
    const kept: (() => void)[] = []
    const sent: unknown[] = []
    let isRead = true
    return {
      sent,
      cut,
      get isRead() {
        return isRead
      },
      set isRead(next) {
        isRead = next
        if (isRead) for (const deliver of kept.splice(0)) setImmediate(deliver)
      },
      get isOpen() {
        return isOpen
      },
      send(message, done) {
        const copy = structuredClone(message)
        sent.push(copy)
        const deliver = (): void => {
          if (!isOpen) return done(new Error('the port is closed'))
          done(null)
          for (const listener of [...other.messages]) listener(copy)
        }
        if (!isRead) kept.push(deliver)
        else setImmediate(deliver)
        return isRead
      },
      onMessage(listener) {
        own.messages.add(listener)
        return () => own.messages.delete(listener)
      },
      onClose(listener) {
        own.closings.add(listener)
        return () => own.closings.delete(listener)
      },
    }
  }
  return [make(ends[0], ends[1]), make(ends[1], ends[0])]
}

interface End {
  readonly messages: Set<(message: unknown) => void>
  readonly closings: Set<() => void>
}
