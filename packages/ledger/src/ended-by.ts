import type { DatabaseKind } from './database.ts'

/** Breaks the connections when the caller no longer waits for the work, so that it does not stay with a server that is frozen. */
export async function endedBy<T>(
  signal: AbortSignal | undefined,
  { breakConnections }: DatabaseKind,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined || breakConnections === undefined) return work()
  signal.throwIfAborted()
  signal.addEventListener('abort', breakConnections)
  try {
    return await work()
  } finally {
    signal.removeEventListener('abort', breakConnections)
  }
}
