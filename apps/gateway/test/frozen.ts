import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Something between a client and a server that can stop passing anything on, as a network or a stopped process does. */
export interface Freezable {
  readonly port: number
  /** Connections stay open, new ones are accepted, and nothing comes back any more. */
  freeze(): void
}

/**
 * Listens on a free port and passes on what comes, until it is frozen.
 * @param to the port of the server; without one it is frozen from the start
 */
export async function freezable(to?: number): Promise<Freezable> {
  let isFrozen = to === undefined
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  }
  const server: Server = createServer((client) => {
    keep(client)
    if (isFrozen || to === undefined) return
    const upstream = connect(to, '127.0.0.1')
    keep(upstream)
    client.pipe(upstream)
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as { port: number }).port,
    freeze() {
      isFrozen = true
      for (const socket of sockets) socket.unpipe()
    },
  }
}
