import type { SecureContextOptions } from 'node:tls'
import { withDefaults } from '@spillway/middleware/kit'
import type { Dispatcher } from 'undici'
import { Agent } from '#undici'
import { type ProxySettings, proxyAgent, proxySettings } from './proxy.ts'

/** How a client connects to its endpoint. */
export interface PoolOptions {
  /**
   * Calls that may have a connection at the same time, 1 or more. Further calls wait before their attempt begins, so
   * their wait counts against no limit of an attempt, no breaker and no retry budget.
   * @default Infinity
   */
  readonly connections?: number | undefined
  /**
   * Maximum number of calls that wait for a connection; further ones are refused as `saturated`.
   * @default 1000
   */
  readonly maxQueued?: number | undefined
  /**
   * How long a call waits for a connection, in milliseconds; its deadline may allow less. Then it is refused as
   * `saturated`.
   * @default 30000
   */
  readonly maxWait?: number | undefined
  /**
   * The same for a call that a fallback can answer (`context.hasAlternative`).
   * @default 2000
   */
  readonly maxWaitWithFallback?: number | undefined
  /**
   * How long an idle connection stays open, in milliseconds; less where the server says so.
   * @default 30000
   */
  readonly keepAliveTimeout?: number | undefined
  /**
   * How long a new connection may take, in milliseconds.
   * @default 5000
   */
  readonly connectTimeout?: number | undefined
  /**
   * Offer HTTP/2 where the endpoint speaks TLS. Off by default: one connection then carries many streams, and
   * one that stalls, stalls them all.
   * @default false
   */
  readonly http2?: boolean | undefined
  /** Certificates and keys of your own, as for `node:tls`; to a proxy that speaks TLS, too. */
  readonly tls?: Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'> | undefined
  /**
   * The URL of a proxy that all connections go through, `http://user:password@host:port` for instance; `null` for none.
   * @default what `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say; never for this machine's own servers
   */
  readonly proxy?: string | null | undefined
}

/**
 * Bun answers an import of undici with its own stub, which sends nothing; it gets our copy, unless a bundle leaves undici outside.
 * @throws TypeError there
 */
function mustBeUndici(): void {
  if ('compose' in Agent.prototype) return
  throw new TypeError(
    'a client needs undici, in whose place this runtime puts a stub (Bun does): use wrapFetch(fetch, ...) or @spillway/resilient',
  )
}

/** The defaults of {@link PoolOptions}. */
export const poolDefaults = {
  connections: Number.POSITIVE_INFINITY,
  maxQueued: 1_000,
  maxWait: 30_000,
  maxWaitWithFallback: 2_000,
  keepAliveTimeout: 30_000,
  connectTimeout: 5_000,
  http2: false,
} satisfies PoolOptions as Required<{
  [K in keyof Omit<PoolOptions, 'tls' | 'proxy'>]: NonNullable<PoolOptions[K]>
}>

/** Options with their defaults; `undefined` means the default. */
export type PoolSettings = typeof poolDefaults &
  Pick<PoolOptions, 'tls'> & { readonly through?: ProxySettings | undefined }

type CheckedOption = Exclude<keyof typeof poolDefaults, 'http2' | 'connectTimeout'>

/** @throws RangeError for options out of range; TypeError for a proxy that is none */
export function poolSettings({ proxy, ...options }: PoolOptions = {}): PoolSettings {
  const through = proxySettings(proxy)
  const settings: PoolSettings = { ...withDefaults(poolDefaults, options), ...(through && { through }) }
  const check = (name: CheckedOption, least: number): void => {
    if (!(settings[name] >= least))
      throw new RangeError(`pool.${name} must be ${least} or more, but is ${settings[name]}`)
  }
  check('connections', 1)
  check('maxQueued', 0)
  check('maxWait', 0)
  check('maxWaitWithFallback', 0)
  check('keepAliveTimeout', 0)
  return settings
}

/** What bounds requests that are not model calls: undici's own default, in milliseconds. */
const plainTimeout = 300_000

/**
 * The connections of one client: one agent, which opens a connection whenever all others are busy. How many calls may be
 * in flight is decided before their attempts begin (`connection-limit.ts`), never in a queue inside the agent: a request
 * that waits there gives no sign, keeps its body after an abort, and runs down the clock of its attempt.
 */
export class ConnectionPool {
  /** For attempts, which keep their own limits: they can tell content from a ping. */
  readonly calls: Dispatcher
  /** For requests that are not calls. Nothing else limits those. */
  readonly plain: Dispatcher
  /** Whether connections may speak HTTP/2. */
  readonly http2: boolean
  readonly #agents: readonly { destroy(): Promise<void> }[]

  constructor({ connections, keepAliveTimeout, connectTimeout, http2, tls, through }: PoolSettings) {
    mustBeUndici()
    this.http2 = http2
    const timeout = Number.isFinite(connectTimeout) ? connectTimeout : 0
    const agent = (most: number | null): Dispatcher & { destroy(): Promise<void> } => {
      const options = {
        // A call that ends hands its slot on a moment before its connection is free: with a limit, the next call takes
        // this connection instead of opening one more.
        connections: most,
        headersTimeout: 0,
        bodyTimeout: 0,
        allowH2: http2,
        keepAliveTimeout: Math.max(1, keepAliveTimeout),
        keepAliveMaxTimeout: Math.max(1, keepAliveTimeout),
        connect: { timeout, ...tls },
      }
      if (through === undefined) return new Agent(options)
      return proxyAgent(through, tls ?? {}, { ...options, connectTimeout: timeout })
    }
    const isLimited = connections !== Infinity
    const calls = agent(isLimited ? connections : null)
    // Requests that are not calls must not wait behind the streams that hold all connections.
    const others = isLimited ? agent(null) : calls
    this.#agents = isLimited ? [calls, others] : [calls]
    this.calls = calls
    const limits = { headersTimeout: plainTimeout, bodyTimeout: plainTimeout }
    this.plain = others.compose(
      (dispatch) => (options, handler) => dispatch({ ...options, ...limits }, handler),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.destroy()))
  }
}
