import type { Socket } from 'node:net'

/** What a client that knows that a server speaks HTTP/2 begins with (RFC 9113, section 3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Sniffing {
  readonly http1: (socket: Socket) => void
  readonly http2: (socket: Socket) => void
  /** How long the first bytes may take, in milliseconds. */
  readonly timeout: () => number
  readonly late: (socket: Socket) => void
}

/** Hands a connection without TLS to whoever speaks what it begins with; nothing of it is lost. */
export function sniff(socket: Socket, { http1, http2, timeout, late }: Sniffing): void {
  let begun: Buffer = Buffer.alloc(0)
  const onTimeout = (): void => {
    stop()
    late(socket)
  }
  const onData = (piece: Buffer): void => {
    begun = begun.length === 0 ? piece : Buffer.concat([begun, piece])
    const length = Math.min(begun.length, preface.length)
    const isPreface = begun.compare(preface, 0, length, 0, length) === 0
    // All of it: a request of HTTP/1.1 may have PRI for its method, and is refused as such.
    if (isPreface && length < preface.length) return
    stop()
    socket.pause()
    socket.unshift(begun)
    if (isPreface) return http2(socket)
    http1(socket)
    socket.resume()
  }
  const onError = (): void => void socket.destroy()
  const stop = (): void => {
    socket.off('data', onData)
    socket.off('error', onError)
    socket.off('timeout', onTimeout)
    socket.off('end', onEnd)
    socket.setTimeout(0)
  }
  const onEnd = (): void => void socket.destroy()
  socket.setTimeout(Math.min(timeout(), 0x7fff_ffff), onTimeout)
  socket.on('data', onData)
  socket.on('error', onError)
  socket.on('end', onEnd)
}
