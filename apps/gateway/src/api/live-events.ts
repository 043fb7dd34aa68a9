import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'

/** Makes the events of one process those of all of a gateway. */
export interface LiveSharing {
  /** Whether anyone watches at another process. */
  readonly isWanted: boolean
  /** Tells others whether anyone watches here. */
  watch(isWatched: boolean): void
  /** Tells them what has happened here. */
  show(event: string, data: unknown): void
  /** Calls back with what has happened there. */
  follow(heard: (event: string, data: unknown) => void): void
}

export interface LiveOptions {
  /**
   * Clients at a time.
   * @default 100
   */
  readonly maxClients?: number
  /**
   * Bytes buffered for a client; a slower one is disconnected, and reconnects by itself.
   * @default 262144
   */
  readonly maxWaiting?: number
  /**
   * How often a client hears something, in milliseconds.
   * @default 15000
   */
  readonly pingEvery?: number
  readonly clock?: Clock
  /** Where several processes serve as one gateway. */
  readonly sharing?: LiveSharing | undefined
}

/** The defaults of {@link LiveOptions}. */
export const liveDefaults: Required<Omit<LiveOptions, 'clock' | 'sharing'>> = {
  maxClients: 100,
  maxWaiting: 256 * 1024,
  pingEvery: 15_000,
}

/** Server-sent events to whoever watches. */
export class LiveEvents {
  readonly #clients = new Set<ServerResponse>()
  readonly #settings: Required<Omit<LiveOptions, 'sharing'>>
  readonly #sharing: LiveSharing | undefined
  #cancelPing: CancelTimer | undefined
  #isClosed = false

  constructor({ sharing, ...options }: LiveOptions = {}) {
    this.#settings = { clock: systemClock, ...liveDefaults, ...options }
    this.#sharing = sharing
    sharing?.follow((event, data) => this.#show(event, data))
  }

  /** Whether anybody watches here. */
  get isWatched(): boolean {
    return this.#clients.size > 0
  }

  /** Takes a client on; false when there are too many, or the gateway is about to stop. */
  join(req: IncomingMessage, res: ServerResponse): boolean {
    if (this.#isClosed || this.#clients.size >= this.#settings.maxClients) return false
    res.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    if (req.method === 'HEAD') {
      res.end()
      return true
    }
    res.write('retry: 2000\nevent: ping\ndata: {}\n\n')
    this.#clients.add(res)
    if (this.#clients.size === 1) this.#sharing?.watch(true)
    res.on('close', () => {
      this.#clients.delete(res)
      if (this.isWatched) return
      this.#stopPing()
      this.#sharing?.watch(false)
    })
    this.#startPing()
    return true
  }

  send(event: string, data: unknown): void {
    this.#show(event, data)
    if (this.#sharing?.isWanted) this.#sharing.show(event, data)
  }

  #show(event: string, data: unknown): void {
    if (!this.isWatched) return
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    for (const client of this.#clients) {
      if (client.writableLength > this.#settings.maxWaiting) client.destroy()
      else client.write(text)
    }
  }

  /** Ends all streams and takes no more clients. */
  close(): void {
    this.#isClosed = true
    for (const client of this.#clients) client.end()
  }

  #startPing(): void {
    this.#cancelPing ??= this.#settings.clock.setTimer(this.#settings.pingEvery, () => {
      this.#cancelPing = undefined
      this.#show('ping', {})
      if (this.isWatched) this.#startPing()
    })
  }

  #stopPing(): void {
    this.#cancelPing?.()
    this.#cancelPing = undefined
  }
}
