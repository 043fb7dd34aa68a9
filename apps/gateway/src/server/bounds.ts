import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** What clients can make the server hold, and for how long. Times in milliseconds. */
export interface ServerBounds {
  /** Bytes of request bodies at a time. */
  readonly maxInFlightBytes: number
  /** Connections at a time. */
  readonly maxConnections: number
  /** How long a client may take none of what is written to it. */
  readonly stallTimeout: number
  /** How long a client may send nothing of a body that it has begun. */
  readonly bodyTimeout: number
  /** How long the headers of a request may take to arrive. */
  readonly headersTimeout: number
  /** How long an idle connection stays open. */
  readonly keepAliveTimeout: number
  /** The largest body of a request. */
  readonly maxRequestBytes: number
  /** The largest answer that is not streamed, and what of a stream is held before its first content. */
  readonly maxResponseBytes: number
}

const MiB = 1024 * 1024

/**
 * 512 MiB; on small machines a quarter of the memory, and of the heap, where bodies are parsed for translation.
 * @param processes that share the memory
 */
export function defaultInFlightBytes(processes = 1): number {
  const allowed = process.constrainedMemory()
  const memory = Math.min(totalmem(), allowed > 0 ? allowed : Infinity)
  const { heap_size_limit: heap } = getHeapStatistics()
  return Math.min(512 * MiB, Math.floor(Math.min(memory / processes, heap) / 4))
}

/** The defaults of {@link ServerBounds}, but for the bytes in flight, which depend on the machine. */
export const boundDefaults: Omit<ServerBounds, 'maxInFlightBytes'> = {
  maxConnections: 10_000,
  stallTimeout: 60_000,
  bodyTimeout: 30_000,
  headersTimeout: 60_000,
  // Longer than common load balancers, which would otherwise reuse one that is being closed.
  keepAliveTimeout: 75_000,
  // What Anthropic's own edge accepts.
  maxRequestBytes: 32 * MiB,
  // No answer of any model is larger.
  maxResponseBytes: 32 * MiB,
}

/** All bounds; undefined means the default. */
export function serverBounds(
  set: { readonly [K in keyof ServerBounds]?: number | undefined } = {},
): ServerBounds {
  return {
    maxInFlightBytes: set.maxInFlightBytes ?? defaultInFlightBytes(),
    maxConnections: set.maxConnections ?? boundDefaults.maxConnections,
    stallTimeout: set.stallTimeout ?? boundDefaults.stallTimeout,
    bodyTimeout: set.bodyTimeout ?? boundDefaults.bodyTimeout,
    headersTimeout: set.headersTimeout ?? boundDefaults.headersTimeout,
    keepAliveTimeout: set.keepAliveTimeout ?? boundDefaults.keepAliveTimeout,
    maxRequestBytes: set.maxRequestBytes ?? boundDefaults.maxRequestBytes,
    maxResponseBytes: set.maxResponseBytes ?? boundDefaults.maxResponseBytes,
  }
}
