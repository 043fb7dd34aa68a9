import type { TransportSink } from '@spillway/attempt'
import type { ResponseHeaders } from '@spillway/middleware/kit'
import type { AnswerEncoder } from './answer-encoder.ts'

const utf8 = new TextEncoder()

/** A response on its way into a sink, which may be told to wait. */
export interface PausableOutput {
  headers(status: number, headers: ResponseHeaders): void
  /** Bytes of the protocol. */
  raw(data: string): void
  /** A piece of the answer. Pieces that wait become one. */
  piece(text: string): void
  end(): void
  pause(): void
  resume(): void
  /** Discards what waits; the sink gets no more calls. */
  stop(): void
}

interface Part {
  readonly kind: 'raw' | 'piece'
  data: string
}

/** What waits is at most one answer, which the model's context bounds. */
export function pausableOutput(sink: TransportSink, encoder: AnswerEncoder): PausableOutput {
  const waiting: Part[] = []
  let paused = false
  let stopped = false
  let ended = false

  const flush = (): void => {
    // The sink may pause or abort at any chunk.
    while (!paused && !stopped) {
      const part = waiting.shift()
      if (part === undefined) break
      sink.data(utf8.encode(part.kind === 'raw' ? part.data : encoder.piece(part.data)))
    }
    if (paused || stopped || !ended) return
    stopped = true
    sink.end()
  }
  const add = (kind: Part['kind'], data: string): void => {
    if (stopped || data === '') return
    const last = waiting.at(-1)
    if (last?.kind === kind) last.data += data
    else waiting.push({ kind, data })
    flush()
  }
  return {
    headers(status, headers) {
      if (!stopped) sink.headers(status, headers)
    },
    raw: (data) => add('raw', data),
    piece: (text) => add('piece', text),
    end() {
      if (stopped) return
      ended = true
      flush()
    },
    pause() {
      paused = true
    },
    resume() {
      paused = false
      flush()
    },
    stop() {
      stopped = true
      waiting.length = 0
    },
  }
}
