/** Things to be used by one caller at a time; whoever finds none free waits, first come, first served. */
export interface Slots<T> {
  /**
   * Takes a free one, or waits for it.
   * @throws the signal's reason when it aborts first
   */
  take(signal: AbortSignal): Promise<T>
  /** Brings one back. */
  give(item: T): void
}

/** The item that came back last is the first to go out again, since it is the most likely to be warm. */
export function slots<T>(items: readonly T[]): Slots<T> {
  const free = [...items]
  const waiters = new Set<(item: T) => void>()
  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      const item = free.pop()
      if (item !== undefined) return Promise.resolve(item)
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          waiters.delete(receive)
          reject(signal.reason)
        }
        const receive = (taken: T): void => {
          waiters.delete(receive)
          signal.removeEventListener('abort', leave)
          resolve(taken)
        }
        waiters.add(receive)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
    give(item) {
      const [next] = waiters
      if (next !== undefined) next(item)
      else free.push(item)
    },
  }
}
