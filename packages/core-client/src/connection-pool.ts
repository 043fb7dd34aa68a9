import type { SecureContextOptions } from 'node:tls'
import { Agent, type Dispatcher } from 'undici'

/** How a client connects to its endpoint. */
export interface PoolOptions {
  /**
   * Connections at most, 1 or more. Calls beyond wait for one.
   * @default 50
   */
  readonly connections?: number
  /**
   * How many connections stay open while idle, 0 or more.
   * @default 20
   */
  readonly keptAlive?: number
  /**
   * How long an idle connection stays open, in milliseconds, where the server does not say.
   * @default 30000
   */
  readonly keepAliveFor?: number
  /**
   * How long a new connection may take, in milliseconds.
   * @default 5000
   */
  readonly connectTimeout?: number
  /**
   * Offer HTTP/2 where the endpoint speaks TLS. Off by default: one connection then carries many streams, and
   * one that stalls, stalls them all.
   * @default false
   */
  readonly http2?: boolean
  /** Certificates and keys of your own, as for `node:tls`. */
  readonly tls?: Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'>
}

/** The defaults of {@link PoolOptions}. */
export const poolDefaults: Required<Omit<PoolOptions, 'tls'>> = {
  connections: 50,
  keptAlive: 20,
  keepAliveFor: 30_000,
  connectTimeout: 5_000,
  http2: false,
}

/** How long a connection beyond `keptAlive` waits for another call, in milliseconds. */
const overflowKeepAlive = 500

/**
 * The connections of one client. undici closes all idle connections or none, so there are two agents: one whose
 * connections stay, which is used as long as it has a free one, and one whose connections go when they idle.
 */
export class ConnectionPool {
  readonly #kept: Agent
  readonly #overflow: Agent | undefined
  readonly #keptAlive: number
  #busy = 0

  constructor(options: PoolOptions = {}) {
    const { connections, keptAlive, keepAliveFor, connectTimeout, http2 } = { ...poolDefaults, ...options }
    if (!(connections >= 1)) throw new RangeError(`pool.connections must be 1 or more, but is ${connections}`)
    this.#keptAlive = http2 ? connections : Math.min(keptAlive, connections)
    const shared: Agent.Options = {
      // The limits of an attempt are kept by the attempt itself, which can tell content from a ping.
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: http2,
      connect: { timeout: Number.isFinite(connectTimeout) ? connectTimeout : 0, ...options.tls },
    }
    this.#kept = new Agent({
      ...shared,
      connections: Math.max(1, this.#keptAlive),
      keepAliveTimeout: this.#keptAlive === 0 ? overflowKeepAlive : keepAliveFor,
    })
    const rest = connections - Math.max(1, this.#keptAlive)
    this.#overflow =
      rest > 0
        ? new Agent({
            ...shared,
            connections: rest,
            keepAliveTimeout: overflowKeepAlive,
            keepAliveMaxTimeout: overflowKeepAlive,
          })
        : undefined
  }

  /** An agent with room for one more call. Call `release` with it when the call is over. */
  acquire(): Dispatcher {
    if (this.#overflow !== undefined && this.#busy >= this.#keptAlive) return this.#overflow
    this.#busy++
    return this.#kept
  }

  release(dispatcher: Dispatcher): void {
    if (dispatcher === this.#kept) this.#busy--
  }

  /** For requests that are not calls and are not counted. */
  get plain(): Dispatcher {
    return this.#kept
  }

  async close(): Promise<void> {
    await Promise.all([this.#kept.destroy(), this.#overflow?.destroy()])
  }
}
