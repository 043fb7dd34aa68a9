import { systemClock } from '@spillway/middleware'
import { exposureProblem } from '../access/exposure.ts'
import type { Config } from '../config/config.ts'
import type { ConfigProblem } from '../config/config-error.ts'
import type { Gateway } from '../gateway.ts'
import { reloadDetails } from '../ledger/audit-entries.ts'
import type { GatewayLog } from '../log/gateway-log.ts'
import type { Lines } from '../log/lines.ts'
import { ownManifest } from '../own-manifest.ts'
import { withPrimarys, workersDiff } from '../reload/config-diff.ts'
import { introduce } from './colleagues.ts'
import { heardOnce } from './heard-once.ts'
import { createHub } from './hub.ts'
import { serveLedger } from './ledger-channel.ts'
import { metricsOfAll } from './metrics-of-all.ts'
import { scrapeAll } from './metrics-questions.ts'
import * as orders from './orders.ts'
import { openPrimaryBooks } from './primary-books.ts'
import { workerCount } from './worker-count.ts'
import { createWorkerPool } from './worker-pool.ts'
import { openForks } from './worker-process.ts'

export interface WorkersOptions {
  readonly port: number | undefined
  readonly host: string | undefined
  readonly exposed: boolean | undefined
  /** No lines for calls. */
  readonly quiet: boolean
  readonly file: string
  readonly problemAt: (path: readonly PropertyKey[], message: string) => ConfigProblem
  readonly columns: () => number | undefined
  readonly lines: Lines
  readonly log: GatewayLog
  /** None serves, and none can be started. */
  readonly giveUp: (why: string) => void
}

/** A gateway of several processes. */
export interface RunningWorkers extends Gateway {
  /** Replaces all workers, one after another. Never rejects. */
  roll(why: string): Promise<void>
}

/**
 * Starts a gateway whose calls are served by several processes; this one starts them, and replaces those that end.
 * @throws Error as `startGateway`, what the first worker that does not start has thrown
 */
export async function startWorkers(config: Config, options: WorkersOptions): Promise<RunningWorkers> {
  const { log } = options
  const { host = config.server.host, exposed = config.server.exposed } = options
  const problem = exposureProblem({ host, auth: config.server.auth, exposed })
  if (problem !== undefined) throw new Error(problem)
  const { version } = ownManifest()
  const hear = heardOnce(systemClock, (said) => {
    if (said.kind === 'warning') log.warn(said.line)
    else if (said.kind === 'circuit') log.circuit(said.changed)
    else log.vault(said.event as never)
  })
  const hub = createHub()
  const books = await openPrimaryBooks(config, (line) => log.warn(line))
  const metrics = metricsOfAll({
    workers: () => pool.counting,
    view: () => pool.view,
    droppedLines: () => log.dropped(),
  })
  let current = config
  const pool = createWorkerPool({
    config,
    count: workerCount(config),
    fork: await openForks(options.lines),
    portOf: ({ server }) => options.port ?? server.port,
    orderOf: (seat) => ({
      ...seat,
      ...{ version, file: options.file, places: placesOf(seat.config, options.problemAt) },
      ...{ host: options.host, exposed: options.exposed, quiet: options.quiet, columns: options.columns() },
    }),
    onFork(worker) {
      const { id, channel } = worker
      channel.hear(orders.said, (said) => hear(id, said))
      hub.serve(channel)
      serveLedger(books.store, channel)
      introduce(worker, () => pool.serving)
      channel.answer(scrapeAll, metrics.scrape)
    },
    onEnd: (worker) => metrics.ended(worker),
    clock: systemClock,
    warn: (line) => log.warn(line),
    info: (line) => log.notice(line),
    served(worker, { counts, metrics: last }) {
      if (counts !== undefined) log.served(counts)
      metrics.last(worker, last)
    },
    giveUp: options.giveUp,
  })
  try {
    await pool.open()
  } catch (error) {
    await pool.close(0, 0)
    await books.close()
    throw error
  }
  const note: Gateway['note'] = (action, details) =>
    void pool.serving[0]?.channel.tell(orders.noteAct, { action, details })
  note('gateway.started', { subject: pool.url })
  /** One change at a time. */
  let busy: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const changed = busy.then(change)
    busy = changed.catch(() => {})
    return changed
  }
  return {
    get url() {
      return pool.url
    },
    reload: (next, subject = 'configuration') =>
      inTurn(async () => {
        const { needWorkers, ...diff } = workersDiff(current, next)
        const usable = withPrimarys(current, next)
        if (needWorkers) await pool.roll(usable)
        else await pool.reload(usable, subject)
        current = usable
        await pool.resize(workerCount(usable))
        note('config.reloaded', reloadDetails(subject, diff))
        return diff
      }),
    roll: (why) =>
      inTurn(async () => {
        try {
          await pool.roll(current)
          log.notice(`all workers were replaced (${why}); those of before end their calls`)
        } catch (error) {
          log.warn(`the workers were not all replaced (${why}): ${(error as Error).message}`)
        }
      }),
    note,
    async close(drain = 30_000, delay = 0) {
      note('gateway.stopped', { subject: pool.url })
      await pool.close(drain, delay)
      // A second call waits for the same end.
      await books.close()
    },
  }
}

/** Where the file names credentials, for lines about those that cannot be used. */
function placesOf({ targets }: Config, problemAt: WorkersOptions['problemAt']): orders.WorkerOrder['places'] {
  const paths = Object.entries(targets).flatMap(([name, { endpoints = [] }]) =>
    endpoints.map((_, index) => ['targets', name, 'endpoints', index, 'credential']),
  )
  return Object.fromEntries(
    paths.map((path) => {
      const { message: _, ...place } = problemAt(path, '')
      return [path.join('.'), place]
    }),
  )
}
