import { hostname } from 'node:os'
import type { ScopeMetrics } from '@opentelemetry/sdk-metrics'
import type { CircuitChange } from '@spillway/circuit-breaker-fallback'
import type { VaultEvent } from '@spillway/key-vault'
import { systemClock } from '@spillway/middleware'
import { backgroundClock, type CancelTimer } from '@spillway/middleware/kit'
import { exposureProblem, exposureWarning } from './access/exposure.ts'
import { openDoors } from './access/open-doors.ts'
import { openIncidentSources } from './alerts/incident-sources.ts'
import type { Alerting } from './alerts/open-alerts.ts'
import { openConfiguredAlerting } from './alerts/open-configured-alerting.ts'
import { openApiSources } from './api/open-api-sources.ts'
import { openBudgetWatch } from './budgets/budget-watch.ts'
import { openBudgets } from './budgets/running-budgets.ts'
import { toRules } from './budgets/stored-rules.ts'
import { closeAll } from './closing.ts'
import type { Config } from './config/config.ts'
import { timeoutsOf } from './config/config.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import { defaultStateFolder } from './fingerprints/key-file.ts'
import { http2Limits } from './http2/http2-limits.ts'
import { gatewayActor, reloadDetails } from './ledger/audit-entries.ts'
import { openConfiguredBooks } from './ledger/audit-keys.ts'
import { booksStatus } from './ledger/books.ts'
import { circuitRow } from './ledger/changes.ts'
import { watchDatabase } from './log/database-watch.ts'
import { safeListener } from './log/safe-listener.ts'
import { openModels } from './models/models.ts'
import { openOwned } from './owned/answer-owned.ts'
import { Owners } from './owned/owners.ts'
import { ownershipOf } from './owned/ownership.ts'
import { type ConfigDiff, configDiff, withOpened } from './reload/config-diff.ts'
import { Serving } from './reload/serving.ts'
import { defaultInFlightBytes } from './server/bounds.ts'
import { openDashboard } from './server/dashboard.ts'
import { listenGateway } from './server/gateway-server.ts'
import type { AnsweredCall } from './server/handle-call.ts'
import type { RefusedRequest } from './server/refusal.ts'
import type { SharedState } from './shared-state.ts'
import type { RunningTarget } from './targets.ts'
import { gatewayValues } from './telemetry/gateway-values.ts'
import { openObservability } from './telemetry/observability.ts'
import { certificateValues, serverValues } from './telemetry/server-values.ts'
import type { ServerTls } from './tls/open-server-tls.ts'
import type { UnusableCredential } from './vault/credential-report.ts'
import { readAgain } from './vault/credential-report.ts'
import { watchCredentials } from './vault/credential-watch.ts'
import { type WorkerParts, workersState } from './workers/worker-parts.ts'

/** Well inside the idle limits of all clients and proxies, in milliseconds. */
export const defaultKeepAliveAfter: number = 15_000

export interface GatewayOptions {
  /** Replaces `server.port` of the configuration; 0 picks a free one. */
  readonly port?: number | undefined
  /** Replaces `server.host`. */
  readonly host?: string | undefined
  /** Replaces `server.exposed`. */
  readonly exposed?: boolean | undefined
  /** Hears of every call at its commit point. */
  readonly onAnswer?: ((call: AnsweredCall) => void) | undefined
  /** Hears of requests that were refused before they had a route. */
  readonly onRefused?: ((request: RefusedRequest) => void) | undefined
  /** What is said of a credential of the vault that cannot be used; its reference and why by default. */
  readonly describeCredential?: ((credential: UnusableCredential) => string) | undefined
  /** Hears what happens in the vault: stale, refused versions, rotations. */
  readonly onVaultEvent?: ((event: VaultEvent) => void) | undefined
  /** Hears of circuits that open, are tested and close. */
  readonly onCircuitChange?: ((changed: CircuitChanged) => void) | undefined
  /**
   * Told what its owner should know: that Redis is unavailable, for instance. An error of this or of any listener touches no call.
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
   * Goes on with another configuration. Calls in flight end as they began; targets that are the same keep their circuits, limits and
   * conversations. What is opened once (some of `server`, `vault`, `storage`, `state`, `telemetry`) stays as it is.
   * @param subject where it is from, for the audit log
   * @returns which keys have changed, and which of them need another start
   * @throws Error for what cannot be opened; then nothing has changed
   */
  reload(config: Config, subject?: string): Promise<ConfigDiff>
  /** Notes an act in the audit log, where there is one. */
  note(action: string, details: { readonly subject: string }): void
  /**
   * Stops: no new connections; calls in flight have `drain` milliseconds to end. Afterwards everything is closed, none of it
   * for longer than five seconds; what has not closed by then is a line of `log`. Calling it again may only shorten the drain.
   * @param drain @default 30000
   * @param delay how long calls are still taken while `/readyz` says 503, in milliseconds, so that a load balancer has turned away
   * before connections are refused @default 0
   */
  close(drain?: number, delay?: number): Promise<void>
}

/** A gateway that is one worker of several. */
export interface WorkerGateway extends Gateway {
  /**
   * Ends while others go on: no new connections; those that are open are told to close with their next answer, and are closed when they have
   * been idle for a moment. Calls in flight have `drain` milliseconds.
   */
  handOver(drain: number): Promise<void>
  /** What it has counted; after its end the last of that. */
  metrics(): Promise<readonly ScopeMetrics[]>
}

/** The names that requests may use, that of `server.oidc.publicUrl` too. */
function hostsOf({ allowedHosts = [], oidc }: Config['server']): readonly string[] {
  const { publicUrl } = oidc ?? {}
  return publicUrl === undefined ? allowedHosts : [...allowedHosts, new URL(publicUrl).host]
}

/** What the server may hold; of the memory of the machine each worker has its part. */
function boundsOf({ server }: Config, worker: WorkerParts | undefined): Config['server'] {
  return { ...server, maxInFlightBytes: server.maxInFlightBytes ?? defaultInFlightBytes(worker?.count) }
}

/** How long a call waits for the primary at most, in milliseconds: on a machine that is short of CPU it answers late, and exactly. */
const primaryAnswersWithin = 1_000

/** What this process shares with others: over Redis, or with the other workers through their primary. */
async function openShared(
  { state: { redis, processes = 1, ...sharing } = {} }: Config,
  worker: WorkerParts | undefined,
  log: (line: string) => void,
): Promise<SharedState | undefined> {
  const { count = 1 } = worker ?? {}
  if (redis !== undefined) {
    const { openSharedState } = await import('./shared-state.ts')
    return openSharedState(redis, log, omitUndefined({ ...sharing, processes: processes * count }))
  }
  if (worker === undefined) return undefined
  const { openWorkerState } = await import('./workers/worker-state.ts')
  return openWorkerState(worker.channel, { processes: count, timeout: primaryAnswersWithin, log })
}

/** The first `vault:NAME` of the endpoints. */
function referenceToVault({ targets }: Config): string | undefined {
  const all = Object.values(targets).flatMap(({ endpoints = [] }) => endpoints)
  return all.find(({ credential }) => credential?.startsWith('vault:'))?.credential
}

/**
 * Starts a gateway from a valid configuration.
 * @throws Error where other machines could reach it and nothing says that this is meant, and where the vault cannot be
 * opened and must be; the system's error when it cannot listen, with `code` `EADDRINUSE` for instance
 */
export function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  return openGateway(config, options)
}

/**
 * The same for a worker.
 * @param worker what it has of its primary; undefined for a gateway that is one process
 */
export async function openGateway(
  config: Config,
  options: GatewayOptions,
  worker?: WorkerParts,
): Promise<WorkerGateway> {
  const { allowedOrigins, auth } = config.server
  const host = options.host ?? config.server.host
  const exposure = { host, auth, exposed: options.exposed ?? config.server.exposed }
  const problem = exposureProblem(exposure)
  if (problem !== undefined) throw new Error(problem)
  const log = safeListener('log', options.log ?? console.error, () => {}) as (line: string) => void
  const onVaultEvent = safeListener('onVaultEvent', options.onVaultEvent, log)
  const onCircuitChange = safeListener('onCircuitChange', options.onCircuitChange, log)
  // What only some configurations use is loaded with them.
  const vault = config.vault && (await import('./vault.ts')).openConfiguredVault(config.vault, onVaultEvent)
  // A vault that does not open is a reason not to start, too.
  const credentials = await watchCredentials(config, vault, log, options.describeCredential).catch(
    async (error: unknown) => {
      await vault?.close()
      throw error
    },
  )
  // First: files that others can replace and keys that are not there are reasons not to start, and nothing else is open then.
  const books = await openConfiguredBooks(config.storage, vault, {
    onAttempt(attempt, request) {
      observability.book(attempt)
      budgets.book(attempt, request)
      sources.book(attempt)
    },
    warn: log,
    store: worker && (await import('./workers/ledger-channel.ts')).remoteLedger(worker.channel),
  }).catch((error: unknown) => {
    credentials.close()
    throw error
  })
  const shared = await openShared(config, worker, log)
  const { stateFolder = defaultStateFolder() } = options
  let ownUrl = config.server.oidc?.publicUrl ?? ''
  const doors = await openDoors({
    ...{ config, vault, shared, stateFolder, log, url: () => ownUrl },
    sharing: worker && (await (await import('./workers/login-channel.ts')).remoteLogins(worker.channel)),
    note: (actor, action, details) => void books.audit?.record({ actor, action, details }),
  }).catch(async (error: unknown) => {
    credentials.close()
    shared?.close()
    await vault?.close()
    await books.close()
    throw error
  })
  const { fingerprints, known, clients, identity, operators, signIn } = doors
  const observability = await openObservability(
    config.telemetry,
    worker && `${hostname()} worker ${worker.id}`,
  )
  const resources = { shared, vault, books, observability, log }
  const budgetWatch = openBudgetWatch({
    ...{ engine: () => budgets.engine, log, now: () => systemClock.epoch() },
    all: () => toRules({ type: 'all' }, serving.config.budgets?.all),
    note: (action, details) => void books.audit?.record({ actor: gatewayActor, action, details }),
  })
  const budgets = openBudgets({
    ...{ config: config.budgets, store: shared?.budgets, clock: backgroundClock, log },
    ledger: config.storage === undefined ? undefined : books.store,
    membersOf: known?.directory.membersOf,
    onEvent(event) {
      sources.budgets.note(event)
      budgetWatch.onEvent(event)
    },
    onStatuses: (statuses) => sources.budgets.saw(statuses),
  })
  let follow: (target: RunningTarget) => void = () => {}
  const serving = new Serving(config, {
    ...{ resources, budgets, mirrored: observability.mirrored, log },
    onOpened(target) {
      for (const { name: endpoint, breaker } of target.endpoints)
        breaker?.onChange((change) => {
          const row = circuitRow(target.name, endpoint, change, systemClock.epoch())
          books.book([{ table: 'changes', row }])
          onCircuitChange?.({ target: target.name, endpoint, change })
        })
      follow(target)
    },
  })
  const { targets, mirrors } = serving
  let alerting: Alerting | undefined
  const sources = openIncidentSources({
    ...{ config: () => serving.config, targets, clock: backgroundClock },
    others: () => alerting?.incidents() ?? [],
  })
  const stopWatching =
    config.storage === undefined
      ? () => {}
      : watchDatabase(() => books.health().isAway || books.audit?.state.isAway === true, log)
  let tls: ServerTls | undefined
  let lastMetrics: readonly ScopeMetrics[] | undefined
  const closeResources = async (): Promise<void> => {
    tls?.certificate.close()
    identity?.close()
    credentials.close()
    budgets.close()
    stopWatching()
    sources.close()
    await alerting?.close()
    await serving.close()
    if (worker !== undefined) lastMetrics = await observability.collect()
    await closeAll([{ name: 'budgets', close: () => shared?.budgets.flush() }], log)
    // Last: the calls that were cut are booked and counted too.
    await closeAll(
      [
        { name: 'what is shared', close: () => shared?.close() },
        { name: 'the clients', close: () => known?.directory.close() },
        { name: 'the vault', close: () => vault?.close() },
        { name: 'the database', close: () => books.close() },
        { name: 'the export of telemetry', close: () => observability.close() },
      ],
      log,
    )
  }
  let serverState = (): Record<string, string> => ({})
  observability.observe(budgetWatch.values)
  observability.observe(gatewayValues({ targets, mirrors, books, droppedLines: options.droppedLines }))
  const state = (): Record<string, string | number> => ({
    ...booksStatus(books),
    // That workers share what they have is no news.
    ...(shared === undefined || (config.state?.redis === undefined && shared.limits.status === 'shared')
      ? {}
      : { limits: shared.limits.status }),
    ...(budgets.state() === undefined ? {} : { budgets: budgets.state() as string }),
    ...credentials.state(),
    ...(known?.directory.isStale ? { clients: 'stale' } : {}),
    ...serverState(),
    ...workersState(worker?.view()),
    ...alerting?.state(),
    ...identity?.state(),
  })
  const api = openApiSources({
    ...{ config: () => serving.config, targets, mirrors, books, vault, shared, known, log },
    sharing: worker && (await import('./workers/live-channel.ts')).remoteLive(worker.channel),
    budgets: {
      ...{ config: () => serving.config.budgets, engine: budgets.engine, now: () => systemClock.epoch() },
      clients: auth === 'keys' && known !== undefined ? () => known.store.load() : undefined,
    },
    incidents: (view) => sources.incidents(view, state()),
    colleagues: worker?.colleagues,
  })
  follow = api.follow
  let timeouts = timeoutsOf(config)
  // What one worker has made is known to the others by the ledger, also where that ends with the process.
  const isNoted = config.storage !== undefined || worker !== undefined
  const owners = new Owners(systemClock, isNoted ? books.store : undefined)
  serving.route([observability.calls, books.calls, sources.calls, ...api.calls])
  try {
    tls =
      config.server.tls &&
      (await (await import('./tls/open-server-tls.ts')).openServerTls(config.server.tls, log))
    const certificate = tls?.certificate
    const server = await listenGateway({
      ...{ host, allowedHosts: hostsOf(config.server), allowedOrigins },
      port: options.port ?? config.server.port,
      router: serving.router,
      timeouts: () => timeouts,
      fingerprint: (credential) => fingerprints.of(credential),
      ...{ operators, signIn },
      budgets,
      clients,
      whenCut: (client, listener) =>
        serving.config.server.onRevoke === 'cut' && known !== undefined
          ? known.directory.whenRevoked(client, listener)
          : () => {},
      bounds: boundsOf(config, worker),
      shedding: config.server.loadShedding,
      trustProxy: config.server.trustProxy,
      tls: tls?.options,
      http2: http2Limits(config.server.http2),
      keepAliveAfter: config.server.keepAliveAfter ?? defaultKeepAliveAfter,
      onAnswer: safeListener('onAnswer', options.onAnswer, log),
      onRefused: safeListener('onRefused', options.onRefused, log),
      log,
      owned: openOwned({
        ...{ config: () => serving.config, targets, clock: systemClock },
        book: (entries, reader) => budgets.bookBatch(entries, reader, books),
        owners,
      }),
      ownership: clients && ownershipOf(owners, () => serving.config),
      account:
        clients &&
        known &&
        (await import('./spend-limits/open-account.ts')).openAccount({
          store: known.store,
          refresh: () => known.directory.refresh(),
          ...{ config: () => serving.config, budgets, books, now: () => systemClock.epoch() },
        }),
      models: openModels({ config: () => serving.config, targets, clock: systemClock }),
      dashboard: openDashboard(),
      api: api.sources,
      metrics: worker?.scrape ?? (() => observability.scrape()),
      state,
    })
    ownUrl ||= server.url
    tls?.show((context) => server.setSecureContext(context))
    serverState = () => {
      const { shedding } = server.load()
      return {
        ...(shedding !== undefined && { shedding }),
        ...(certificate?.state !== undefined && { certificate: certificate.state }),
      }
    }
    const warning = exposureWarning(exposure)
    if (warning !== undefined) log(`warning: ${warning}`)
    observability.observe({
      ...serverValues(() => server.load()),
      ...(certificate && certificateValues(certificate)),
    })
    const tell = async (next: Config): Promise<void> => {
      alerting ??= await openConfiguredAlerting(next, {
        ...{ vault, shared, log },
        incidents: () => sources.incidents(api.targets(), state()),
        url: () => server.url,
        observe: (values) => observability.observe(values),
      })
      alerting?.use(next)
    }
    await tell(config)
    const note: Gateway['note'] = (action, details) =>
      void books.audit?.record({ actor: gatewayActor, action, details })
    // What the workers do together is noted by their primary, once.
    const noteAlone = worker === undefined ? note : () => {}
    noteAlone('gateway.started', { subject: server.url })
    let closed: Promise<void> | undefined
    const end = (drained: Promise<void>): Promise<void> => {
      closed ??= drained.then(() => {
        noteAlone('gateway.stopped', { subject: server.url })
        return closeResources()
      })
      return closed
    }
    const delayed = Promise.withResolvers<void>()
    let cancelDelay: CancelTimer = () => {}
    return {
      url: server.url,
      async reload(next, subject = 'configuration') {
        await readAgain(vault)
        const diff = configDiff(serving.config, next)
        const usable = withOpened(config, next)
        const reference = vault === undefined ? referenceToVault(usable) : undefined
        if (reference !== undefined)
          throw new Error(`${reference} needs a vault, which is opened at the start: restart the gateway`)
        serving.use(usable)
        timeouts = timeoutsOf(usable)
        const { allowedOrigins, keepAliveAfter = defaultKeepAliveAfter } = usable.server
        const { loadShedding: shedding, trustProxy } = usable.server
        server.use({
          allowedHosts: hostsOf(usable.server),
          allowedOrigins,
          keepAliveAfter,
          bounds: boundsOf(usable, worker),
          shedding,
          trustProxy,
        })
        await certificate?.reload()
        await credentials.use(usable)
        sources.use()
        await tell(usable)
        noteAlone('config.reloaded', reloadDetails(subject, diff))
        return diff
      },
      note,
      close(drain = 30_000, delay = 0) {
        server.leave()
        if (delay > 0 && closed === undefined) cancelDelay = systemClock.setTimer(delay, delayed.resolve)
        else delayed.resolve()
        const drained = delayed.promise.then(() => {
          cancelDelay()
          api.sources.live.close()
          return server.drain(drain)
        })
        return end(drained)
      },
      metrics: async () => lastMetrics ?? observability.collect(),
      handOver(drain) {
        api.sources.live.close()
        return end(server.handOver(drain))
      },
    }
  } catch (error) {
    await closeResources()
    throw error
  }
}
