import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * The least that passes a call through: Node's server, Node's client, a pipe each way.
 * @param at the port; 0 picks a free one
 * @returns its URL
 */
export async function startBareProxy(upstream: string, at = 0): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
  const { hostname, port } = new URL(upstream)
  const server = createServer((req, res) => {
    const { method, url: path, headers } = req
    const outgoing = request({ agent, hostname, port, method, path, headers }, (incoming) => {
      res.writeHead(incoming.statusCode as number, incoming.headers)
      incoming.pipe(res)
    })
    outgoing.on('error', () => res.destroy())
    req.pipe(outgoing)
  })
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
