import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { StallWatch } from './stall-watch.ts'

/** The open connections of a server. */
export interface Connections {
  readonly open: ReadonlySet<Socket>
  /** Connections that were turned away because there were too many. */
  readonly dropped: number
}

/** Follows the connections of a server, and cuts those whose clients have stopped reading. */
export function followConnections(server: Server, stalls: StallWatch): Connections {
  const open = new Set<Socket>()
  let dropped = 0
  server.on('connection', (socket: Socket) => {
    const watched = {
      // What has left for the client so far; nothing to look at while nothing waits to leave.
      progress: () => (socket.writableLength > 0 ? socket.bytesWritten - socket.writableLength : undefined),
      stalled: () => void socket.destroy(),
    }
    open.add(socket)
    stalls.add(watched)
    socket.on('close', () => {
      open.delete(socket)
      stalls.delete(watched)
    })
  })
  server.on('drop', () => {
    dropped++
  })
  return {
    open,
    get dropped() {
      return dropped
    },
  }
}
