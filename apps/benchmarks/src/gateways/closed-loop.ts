import { openConnection, requestBytes } from './connection.ts'
import type { RunningRival } from './rivals.ts'

/** What calls that follow each other cost. */
export interface Cost {
  /** CPU time of the gateway's processes, in microseconds. */
  readonly cpuPerCall: number
  readonly callsPerSecond: number
}

export interface Closed {
  readonly connections: number
  readonly body: Buffer
  readonly calls: number
}

/** Sends calls on some connections, each when the one before is answered. @throws Error for an answer that is not 200 */
export async function closedLoop(rival: RunningRival, { connections, body, calls }: Closed): Promise<Cost> {
  // Opened for this measurement: servers close idle connections after a few seconds.
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(rival.url)))
  const request = requestBytes(rival.url, rival.path, rival.headers, body)
  let left = calls
  const before = rival.cpu()
  const startedAt = performance.now()
  await Promise.all(
    open.map(async (connection) => {
      while (left-- > 0) {
        const { status } = await connection.call(request)
        if (status !== 200) throw new Error(`answered with ${status}`)
      }
    }),
  )
  for (const connection of open) connection.close()
  const seconds = (performance.now() - startedAt) / 1_000
  return { cpuPerCall: (rival.cpu() - before) / calls, callsPerSecond: calls / seconds }
}
