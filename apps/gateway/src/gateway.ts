import type { CircuitChange } from '@spillway/circuit-breaker-fallback'
import type { VaultEvent } from '@spillway/key-vault'
import { exposureProblem, exposureWarning } from './access/exposure.ts'
import { openApiSources } from './api/open-api-sources.ts'
import { closeAll } from './closing.ts'
import type { Config } from './config/config.ts'
import { timeoutsOf } from './config/config.ts'
import { defaultStateFolder } from './fingerprints/key-file.ts'
import { openFingerprints } from './fingerprints/open-fingerprints.ts'
import { gatewayActor } from './ledger/audit-entries.ts'
import { openConfiguredBooks } from './ledger/audit-keys.ts'
import { booksStatus } from './ledger/books.ts'
import { watchDatabase } from './log/database-watch.ts'
import { heardSafely } from './log/heard-safely.ts'
import { createRouter } from './router.ts'
import { openMirrors, openRoutes } from './routes.ts'
import { openDashboard } from './server/dashboard.ts'
import { listenGateway } from './server/gateway-server.ts'
import type { AnsweredCall } from './server/handle-call.ts'
import { openSharedState } from './shared-state.ts'
import { openTarget } from './targets.ts'
import { gatewayValues } from './telemetry/gateway-values.ts'
import { openObservability } from './telemetry/observability.ts'
import { serverValues } from './telemetry/server-values.ts'
import { watchCredentials } from './vault/credential-watch.ts'
import { openConfiguredVault } from './vault.ts'

/** Well inside the idle limits of all clients and proxies, in milliseconds. */
const defaultKeepAliveAfter = 15_000

export interface GatewayOptions {
  /** Replaces `server.port` of the configuration; 0 picks a free one. */
  readonly port?: number | undefined
  /** Replaces `server.host`. */
  readonly host?: string | undefined
  /** Replaces `server.exposed`. */
  readonly exposed?: boolean | undefined
  /** Hears of every call at its commit point. */
  readonly onAnswer?: ((call: AnsweredCall) => void) | undefined
  /** Hears what happens in the vault: stale, refused versions, rotations. */
  readonly onVaultEvent?: ((event: VaultEvent) => void) | undefined
  /** Hears of circuits that open, are tested and close. */
  readonly onCircuitChange?: ((changed: CircuitChanged) => void) | undefined
  /**
   * Told what its owner should know: that Redis is away, for instance. An error of this or of any listener touches no call.
   * @default console.error
   */
  readonly log?: ((line: string) => void) | undefined
  /**
   * The folder for what has to outlive the gateway: the key of fingerprints, unless the configuration names one. null:
   * nothing is kept.
   * @default `$XDG_STATE_HOME/spillway`, else `~/.local/state/spillway`
   */
  readonly stateFolder?: string | null | undefined
  /** Lines that `log` and others have lost so far, by stream, for `/metrics`. @default none is counted */
  readonly droppedLines?: (() => Readonly<Record<string, number>>) | undefined
}

/** A circuit of an endpoint has changed its state. */
export interface CircuitChanged {
  readonly target: string
  readonly endpoint: string
  readonly change: CircuitChange
}

/** A running gateway. */
export interface Gateway {
  /** `http://HOST:PORT` */
  readonly url: string
  /**
   * Stops: no new connections; calls in flight have `drain` milliseconds to end. Afterwards everything is closed, none of it
   * for longer than five seconds; what has not closed by then is a line of `log`. Calling it again may only shorten the drain.
   * @param drain @default 30000
   */
  close(drain?: number): Promise<void>
}

/**
 * Starts a gateway from a valid configuration.
 * @throws Error where other machines could reach it and nothing says that this is meant, and where the vault cannot be
 * opened and must be; the system's error when it cannot listen, with `code` `EADDRINUSE` for instance
 */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { allowedHosts, allowedOrigins, auth } = config.server
  const host = options.host ?? config.server.host
  const exposure = { host, auth, exposed: options.exposed ?? config.server.exposed }
  const problem = exposureProblem(exposure)
  if (problem !== undefined) throw new Error(problem)
  const log = heardSafely('log', options.log ?? console.error, () => {}) as (line: string) => void
  const onVaultEvent = heardSafely('onVaultEvent', options.onVaultEvent, log)
  const onCircuitChange = heardSafely('onCircuitChange', options.onCircuitChange, log)
  const vault = config.vault && openConfiguredVault(config.vault, onVaultEvent)
  // A vault that does not open is a reason not to start, too.
  const credentials = await watchCredentials(config, vault, log).catch(async (error: unknown) => {
    await vault?.close()
    throw error
  })
  // First: files that others can replace and keys that are not there are reasons not to start, and nothing else is open then.
  const books = await openConfiguredBooks(config.storage, vault, {
    onAttempt: (attempt) => observability.book(attempt),
    warn: log,
  }).catch((error: unknown) => {
    credentials.close()
    throw error
  })
  const redis = config.state?.redis
  const shared = redis === undefined ? undefined : await openSharedState(redis, log)
  const { stateFolder = defaultStateFolder() } = options
  const fingerprints = await openFingerprints({
    ...{ configured: config.server.fingerprintKey, vault, shared, stateFolder, log },
  }).catch(async (error: unknown) => {
    credentials.close()
    shared?.close()
    await vault?.close()
    await books.close()
    throw error
  })
  const observability = await openObservability(config.telemetry)
  const resources = { shared, vault, books, observability, log }
  const targets = new Map(
    Object.keys(config.targets).map((name) => [name, openTarget(name, config, resources)]),
  )
  for (const { name: target, endpoints } of targets.values()) {
    for (const { name: endpoint, breaker } of endpoints) {
      breaker?.onChange((change) => onCircuitChange?.({ target, endpoint, change }))
    }
  }
  const mirrors = openMirrors(config, targets, observability.mirrored)
  const stopWatching =
    config.storage === undefined
      ? () => {}
      : watchDatabase(() => books.health().isAway || books.audit?.state.isAway === true, log)
  const closeResources = async (): Promise<void> => {
    credentials.close()
    stopWatching()
    await closeAll(
      mirrors.map(({ from, to, mirror }) => ({
        name: `the mirror from ${from} to ${to}`,
        close: () => mirror.close(),
      })),
      log,
    )
    await closeAll(
      [...targets.values()].map(({ name, close }) => ({ name: `the target ${name}`, close })),
      log,
    )
    // Last: the calls that were cut are booked and counted too.
    await closeAll(
      [
        { name: 'redis', close: () => shared?.close() },
        { name: 'the vault', close: () => vault?.close() },
        { name: 'the database', close: () => books.close() },
        { name: 'the export of telemetry', close: () => observability.close() },
      ],
      log,
    )
  }
  observability.observe(gatewayValues({ targets, mirrors, books, droppedLines: options.droppedLines }))
  const api = openApiSources({ config, targets, mirrors, books, vault, shared, log })
  try {
    const server = await listenGateway({
      ...{ host, allowedHosts, allowedOrigins },
      port: options.port ?? config.server.port,
      router: createRouter(
        openRoutes(config, targets, mirrors, shared, [observability.calls, books.calls, api.calls]),
      ),
      timeouts: timeoutsOf(config),
      fingerprint: (credential) => fingerprints.of(credential),
      bounds: config.server,
      keepAliveAfter: config.server.keepAliveAfter ?? defaultKeepAliveAfter,
      onAnswer: heardSafely('onAnswer', options.onAnswer, log),
      log,
      dashboard: openDashboard(),
      api: api.sources,
      metrics: () => observability.scrape(),
      state: () => ({
        ...booksStatus(books),
        ...(shared === undefined ? {} : { limits: shared.limits.status }),
        ...credentials.state(),
      }),
    })
    const warning = exposureWarning(exposure)
    if (warning !== undefined) log(`warning: ${warning}`)
    observability.observe(serverValues(() => server.load()))
    books.audit?.record({
      actor: gatewayActor,
      action: 'gateway.started',
      details: { subject: server.url },
    })
    let closed: Promise<void> | undefined
    return {
      url: server.url,
      close(drain = 30_000) {
        api.sources.live.close()
        const drained = server.drain(drain)
        closed ??= drained.then(() => {
          books.audit?.record({
            actor: gatewayActor,
            action: 'gateway.stopped',
            details: { subject: server.url },
          })
          return closeResources()
        })
        return closed
      },
    }
  } catch (error) {
    await closeResources()
    throw error
  }
}
