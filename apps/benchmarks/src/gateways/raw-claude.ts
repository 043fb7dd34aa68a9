/**
 * A Claude that costs next to nothing, so that the machine's time goes to the gateway under measurement: sockets, and answers
 * that were made before. Run as a child; sends `{ port }`, and ends with its parent.
 *
 * A call is answered by what its body begins with: `{"stream":true` gets server-sent events, and a `user_id` such as `529-000017` a
 * refusal, and `stall-000017` no answer, at its first attempt.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { events, message } from './answers.ts'

const headersEnd = Buffer.from('\r\n\r\n')
const streamMark = '"stream":true'

/** How much of a body is looked at. */
const looked = 200
const faultMark = /"user_id":"(529|stall)-(\d+)"/

const overloaded = answer(
  529,
  '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CUbenchmark"}',
)
const whole = answer(200, message)
const streamHead = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_011CUbenchmark\r\ntransfer-encoding: chunked\r\n\r\n',
)
const streamPieces = events.map((event) => Buffer.from(`${event.length.toString(16)}\r\n${event}\r\n`))
const streamEnd = Buffer.from('0\r\n\r\n')

/** Calls that have met their fault, by their numbers. */
const met = new Set<string>()

const server = createServer({ noDelay: true }, (socket) => {
  let kept: Buffer = Buffer.alloc(0)
  let left = 0
  let start = ''
  socket.on('error', () => {})
  socket.on('data', (piece) => {
    if (left > 0) {
      // The middle of a body: nothing of it is looked at.
      const taken = Math.min(left, piece.length)
      left -= taken
      if (left > 0) return
      respond(socket, start)
      piece = piece.subarray(taken)
    }
    kept = kept.length === 0 ? piece : Buffer.concat([kept, piece])
    for (;;) {
      const end = kept.indexOf(headersEnd)
      if (end < 0) return
      const head = kept.toString('latin1', 0, end)
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
      const chunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head)
      const at = end + headersEnd.length
      if (chunked) {
        // Some gateways send what they have parsed without its length.
        if (!kept.subarray(-5).equals(streamEnd)) return
        start = kept.toString('latin1', at, at + looked)
        kept = Buffer.alloc(0)
        return respond(socket, start)
      }
      const size = Number(length ?? 0)
      const available = kept.length - at
      if (available < Math.min(size, looked)) return
      start = kept.toString('latin1', at, at + Math.min(size, looked))
      if (available < size) {
        left = size - available
        kept = Buffer.alloc(0)
        return
      }
      kept = kept.subarray(at + size)
      respond(socket, start)
      if (kept.length === 0) return
    }
  })
})

function respond(socket: Socket, start: string): void {
  const [, fault, call = ''] = faultMark.exec(start) ?? []
  if (fault !== undefined && !met.has(call)) {
    met.add(call)
    return fault === '529' ? void socket.write(overloaded) : undefined
  }
  if (!start.includes(streamMark)) return void socket.write(whole)
  socket.write(streamHead)
  for (const piece of streamPieces) socket.write(piece)
  socket.write(streamEnd)
}

function answer(status: number, body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\nrequest-id: req_011CUbenchmark\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
