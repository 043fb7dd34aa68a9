import type { Transport, TransportSink } from '../src/transport.ts'

/** A transport moved by hand: the test says what arrives and sees what the attempt asks of it. */
export interface HandTransport {
  readonly transport: Transport
  /** How often a request was sent. */
  readonly sent: number
  /** Of the latest request. */
  readonly sink: TransportSink
  readonly aborted: boolean
  readonly paused: boolean
  /** Sends text as one chunk. */
  text(...pieces: readonly string[]): void
  /** Sends the headers of a stream. */
  streamHeaders(): void
  /** Sends the headers of a JSON body. */
  jsonHeaders(status?: number): void
}

export function handTransport(): HandTransport {
  let sent = 0
  let sink: TransportSink | undefined
  let aborted = false
  let paused = false
  const current = (): TransportSink => {
    if (sink === undefined) throw new Error('nothing was sent yet')
    return sink
  }
  return {
    transport(_request, target) {
      sent++
      sink = target
      aborted = false
      paused = false
      return {
        pause: () => {
          paused = true
        },
        resume: () => {
          paused = false
        },
        abort: () => {
          aborted = true
        },
      }
    },
    get sent() {
      return sent
    },
    get sink() {
      return current()
    },
    get aborted() {
      return aborted
    },
    get paused() {
      return paused
    },
    text(...pieces) {
      for (const piece of pieces) current().data(Buffer.from(piece))
    },
    streamHeaders() {
      current().headers(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_1' })
    },
    jsonHeaders(status = 200) {
      current().headers(status, { 'content-type': 'application/json', 'request-id': 'req_1' })
    },
  }
}
