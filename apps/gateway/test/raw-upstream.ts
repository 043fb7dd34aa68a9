import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** An upstream that writes what a test tells it to, HTTP or not. */
export interface RawUpstream {
  readonly url: string
  /** How many connections have been made, and how many of them are open. */
  readonly accepted: number
  readonly open: number
  /** How many requests have begun to arrive. */
  readonly requests: number
}

/**
 * Starts one for this test. `answer` is called for each chunk that arrives, which for small requests is each request;
 * a connection that the other side has closed swallows what is written to it.
 */
export async function rawUpstream(answer: (socket: Socket, request: number) => void): Promise<RawUpstream> {
  const sockets = new Set<Socket>()
  let accepted = 0
  let requests = 0
  const server = createServer((socket) => {
    accepted++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', () => answer(socket, ++requests))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return accepted
    },
    get open() {
      return sockets.size
    },
    get requests() {
      return requests
    },
  }
}

/** A whole HTTP response as it stands on the wire. */
export function httpText(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): Buffer {
  const head = Object.entries({ 'content-length': Buffer.byteLength(body), ...headers })
  const lines = [`HTTP/1.1 ${status} Text`, ...head.map(([name, value]) => `${name}: ${value}`), '', '']
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), Buffer.from(body)])
}

/** The head of an event stream that ends with its connection. */
export const streamHead: string =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n'

const event = (name: string, data: object): string =>
  `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`

/** The events of a small stream of Anthropic's. */
export const streamEvents = {
  start: event('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-5-5',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 12, output_tokens: 1 },
    },
  }),
  ping: event('ping', {}),
  open: event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  text: (text: string): string =>
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  close: event('content_block_stop', { index: 0 }),
  delta: event('message_delta', {
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 15 },
  }),
  stop: event('message_stop', {}),
}

/** All of them. */
export const wholeStream: string = [
  streamEvents.start,
  streamEvents.open,
  streamEvents.text('Hello'),
  streamEvents.close,
  streamEvents.delta,
  streamEvents.stop,
].join('')

/** A small answer of Anthropic's that is not streamed. */
export const wholeAnswer: string = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-5',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 12, output_tokens: 15 },
})
