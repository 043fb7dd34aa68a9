import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that can stop to answer, as a machine that hangs does: connections stay, nothing comes through. */
export interface FreezableProxy {
  /** The URL of the server, by way of the proxy. */
  readonly url: string
  freeze(): void
  thaw(): void
  close(): Promise<void>
}

/** @param delay of what the server answers, in milliseconds */
export async function freezableProxy(serverUrl: string, delay = 0): Promise<FreezableProxy> {
  const { hostname, port } = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let isFrozen = false
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay()
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
      if (isFrozen) socket.pause()
    }
    client.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', (bytes) => {
      if (delay === 0) client.write(bytes)
      else setTimeout(() => client.writable && client.write(bytes), delay)
    })
    if (isFrozen) for (const socket of [client, upstream]) socket.pause()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(serverUrl)
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    freeze() {
      isFrozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw() {
      isFrozen = false
      for (const socket of sockets) socket.resume()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
