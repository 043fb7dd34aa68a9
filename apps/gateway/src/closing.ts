import { type Clock, systemClock } from '@spillway/middleware'

/** Something to close when the gateway stops. */
export interface Closable {
  /** As its owner would call it. */
  readonly name: string
  readonly close: () => unknown
}

/** No resource keeps the process from ending for longer, in milliseconds. */
export const longestClose = 5_000

/**
 * Closes all at the same time and waits for each, at most {@link longestClose}. One that fails or is not closed by then is
 * named in a line. Never rejects.
 */
export async function closeAll(
  closables: readonly Closable[],
  log: (line: string) => void,
  clock: Clock = systemClock,
): Promise<void> {
  await Promise.all(closables.map((closable) => closeOne(closable, log, clock)))
}

function closeOne({ name, close }: Closable, log: (line: string) => void, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(longestClose, () => {
      log(`${name} has not closed within ${longestClose / 1000} s: going on without it`)
      resolve()
    })
    const closed = async (): Promise<unknown> => close()
    closed()
      .catch((error: unknown) => log(`${name} could not be closed: ${(error as Error)?.message ?? error}`))
      .then(() => {
        cancel()
        resolve()
      })
  })
}
