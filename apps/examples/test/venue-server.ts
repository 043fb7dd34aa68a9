import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
// By its path: what servers of the tests send is not part of the package.
import { bedrockChunk } from '../../../packages/testing/src/bedrock-frames.ts'

/** What happens to one request. */
export type VenueFault = 'unavailable' | 'dies' | 'stalls'

export interface VenueRequest {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Record<string, unknown>
}

/** A server that answers Messages in the form of each venue, by the path that was asked. */
export interface VenueServer extends AsyncDisposable {
  readonly url: string
  /** Faults of the next requests, in order. */
  readonly faults: VenueFault[]
  readonly requests: VenueRequest[]
  /** Resolves when that many requests have come. */
  received(count: number): Promise<void>
}

export const text = 'Hello from the venue'

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-5',
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 5 },
}

const start = { type: 'message_start', message: { ...message, content: [], stop_reason: null } }
const events = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
  { type: 'content_block_stop', index: 0 },
  {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 5 },
  },
  { type: 'message_stop' },
]

const sse = (event: { type: string }): Buffer =>
  Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)

/** As Bedrock sends each event. */
const frame = (event: object): Buffer => bedrockChunk(JSON.stringify(event))

export async function startVenue(): Promise<VenueServer> {
  const faults: VenueFault[] = []
  const requests: VenueRequest[] = []
  const arrivals = new EventEmitter()
  const server = createServer((request, response) => void answer(request, response))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const path = decodeURIComponent(request.url ?? '')
    const body = JSON.parse(Buffer.concat(chunks).toString())
    requests.push({ path, headers: request.headers, body })
    arrivals.emit('request')
    const fault = faults.shift()
    if (fault === 'unavailable') {
      const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
      response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(error))
      return
    }
    const isFramed = path.includes('/invoke-with-response-stream')
    if (!isFramed && !path.includes(':streamRawPredict') && body.stream !== true) {
      if (fault === 'dies') return void request.socket.destroy()
      if (fault === 'stalls') return
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message))
      return
    }
    const encode = isFramed ? frame : sse
    const type = isFramed ? 'application/vnd.amazon.eventstream' : 'text/event-stream'
    response.writeHead(200, { 'content-type': type })
    response.write(encode(start))
    if (fault === 'stalls') return
    if (fault === 'dies') return void setImmediate(() => request.socket.destroy())
    for (const event of events) response.write(encode(event))
    response.end()
  }
  const url = await listening(server)
  return {
    url,
    faults,
    requests,
    async received(count) {
      while (requests.length < count) await once(arrivals, 'request')
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
