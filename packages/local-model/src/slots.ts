/** Things to be used by one caller at a time; whoever finds none free waits, first come, first served. */
export interface Slots<T> {
  /**
   * Takes a free one, or waits for it.
   * @throws the signal's reason when it aborts first, or the reason given to `close`
   */
  take(signal?: AbortSignal): Promise<T>
  /** Brings one back. */
  give(item: T): void
  /** Turns away everyone who waits, and everyone who comes later. */
  close(reason: unknown): void
}

interface Waiter<T> {
  resolve(item: T): void
  reject(reason: unknown): void
}

/** The item that came back last is the first to go out again, since it is the most likely to be warm. */
export function slots<T>(items: readonly T[]): Slots<T> {
  const free = [...items]
  const waiters = new Set<Waiter<T>>()
  let closed: { readonly reason: unknown } | undefined
  return {
    take(signal) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (closed !== undefined) return Promise.reject(closed.reason)
      const item = free.pop()
      if (item !== undefined) return Promise.resolve(item)
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          waiters.delete(waiter)
          signal?.removeEventListener('abort', abort)
        }
        const abort = (): void => waiter.reject(signal?.reason)
        const waiter: Waiter<T> = {
          resolve(taken) {
            leave()
            resolve(taken)
          },
          reject(reason) {
            leave()
            reject(reason)
          },
        }
        waiters.add(waiter)
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
    give(item) {
      const [next] = waiters
      if (next !== undefined) next.resolve(item)
      else free.push(item)
    },
    close(reason) {
      closed = { reason }
      for (const waiter of [...waiters]) waiter.reject(reason)
    },
  }
}
