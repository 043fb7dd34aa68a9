import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What a server does to everybody who asks. The huge body has 100 MiB. */
export type Hostility = 'endless stream' | 'endless pings' | 'huge body' | 'garbage' | 'silence'

export interface HostileServer extends AsyncDisposable {
  readonly url: string
  /** Connections that are open now. */
  readonly connections: number
}

const delta =
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"and so on "}}\n\n'
const beginnings: Readonly<Record<Hostility, string>> = {
  'endless stream':
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":1,"output_tokens":1}}}\n\n' +
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
  'endless pings': '',
  'huge body': '{"type":"message","content":[{"type":"text","text":"',
  garbage: '\u0000\ufffd{"data: }\n\n\n:::',
  silence: '',
}
const repeated: Readonly<Partial<Record<Hostility, string>>> = {
  'endless stream': delta.repeat(100),
  'endless pings': 'event: ping\ndata: {"type": "ping"}\n\n'.repeat(300),
  'huge body': 'water '.repeat(2_000),
}

const hugeBytes = 100 * 1024 * 1024

/** Starts a server on 127.0.0.1 from which no client gets anything good. */
export async function startHostile(hostility: Hostility): Promise<HostileServer> {
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => void answer(hostility, response))
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return sockets.size
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(hostility: Hostility, response: ServerResponse): Promise<void> {
  if (hostility === 'silence') return
  const isStream = hostility.startsWith('endless')
  response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' })
  response.write(beginnings[hostility])
  const piece = repeated[hostility]
  if (piece === undefined) {
    response.end()
    return
  }
  for (let sent = 0; !response.destroyed && (isStream || sent < hugeBytes); sent += piece.length) {
    if (response.write(piece)) await new Promise((resolve) => setImmediate(resolve))
    else await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.end('"}],"stop_reason":"end_turn"}')
}
