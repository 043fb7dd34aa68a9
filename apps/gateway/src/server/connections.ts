import type { Server, Socket } from 'node:net'
import type { StallWatch } from './stall-watch.ts'

/** The open connections of a server. */
export interface Connections {
  readonly open: ReadonlySet<Socket>
  /** Connections that have not agreed on TLS yet. */
  readonly opening: ReadonlySet<Socket>
  /** Connections that were turned away because there were too many. */
  readonly dropped: number
}

/**
 * Follows the connections of a server, and cuts those whose clients have stopped reading.
 * @param established the event by which a connection is ready
 */
export function followConnections(
  server: Server,
  stalls: StallWatch,
  established: 'connection' | 'secureConnection',
): Connections {
  const open = new Set<Socket>()
  /** By the address of the client, which the connection that is made of it has too. */
  const opening = new Map<string, Socket>()
  let dropped = 0
  server.on(established, (socket: Socket) => {
    const watched = {
      // What has left for the client so far; nothing to look at while nothing waits to leave.
      progress: () => (socket.writableLength > 0 ? socket.bytesWritten - socket.writableLength : undefined),
      stalled: () => void socket.destroy(),
    }
    opening.delete(clientOf(socket))
    open.add(socket)
    const place = stalls.add(watched)
    socket.on('close', () => {
      open.delete(socket)
      stalls.delete(place)
    })
  })
  if (established === 'secureConnection')
    server.on('connection', (socket: Socket) => {
      const client = clientOf(socket)
      opening.set(client, socket)
      socket.on('close', () => {
        if (opening.get(client) === socket) opening.delete(client)
      })
    })
  server.on('drop', () => {
    dropped++
  })
  return {
    open,
    get opening() {
      return new Set(opening.values())
    },
    get dropped() {
      return dropped
    },
  }
}

const clientOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
