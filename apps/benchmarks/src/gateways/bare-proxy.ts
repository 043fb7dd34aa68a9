/** Run as a child: `bare-proxy.ts UPSTREAM PORT`. The least that passes a call through: Node's server and client, a pipe each way. */
import { Agent, createServer, request } from 'node:http'

const [upstream = '', at] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
const { hostname, port } = new URL(upstream)
createServer((req, res) => {
  const { method, url: path, headers } = req
  const outgoing = request({ agent, hostname, port, method, path, headers }, (incoming) => {
    res.writeHead(incoming.statusCode as number, incoming.headers)
    incoming.pipe(res)
  })
  outgoing.on('error', () => res.destroy())
  req.pipe(outgoing)
}).listen(Number(at), '127.0.0.1')
