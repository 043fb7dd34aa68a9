import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { ConfigError, formatProblem } from '../config/config-error.ts'
import { type LoadedConfig, loadConfig } from '../config/load-config.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { type GatewayLog, openGatewayLog } from '../log/gateway-log.ts'
import { type Lines, openLines } from '../log/lines.ts'
import { howToMend } from '../vault/how-to-add.ts'
import { startWorkers, type WorkersOptions } from '../workers/start-workers.ts'
import { usualDrain } from '../workers/usual-drain.ts'
import { workerCount } from '../workers/worker-count.ts'
import { clientLines, showClientLines } from './client-lines.ts'
import { configFileOf } from './config-file.ts'
import { configFromEnvironment } from './config-from-environment.ts'
import { describeConfig } from './describe.ts'
import { setEngineFlags, setServingFlags } from './engine-flags.ts'
import { exitCodes } from './exit-codes.ts'
import { followConfig } from './follow-config.ts'
import { type ProcessWatch, watchProcess } from './watch-process.ts'

// Both are loaded by the same name: otherwise what they have in common is cut into many files, which every start loads.
export { runWorker } from '../workers/run-worker.ts'

export interface StartOptions {
  readonly config?: string
  readonly port?: number
  readonly host?: string
  readonly exposed?: boolean
  readonly demo?: boolean
  readonly quiet?: boolean
}

/** How long everything else may take to close after the second signal, in milliseconds. */
const hurry = 1_000

/** How long the last lines may take to be written, in milliseconds. */
const lastLines = 500

/** Serves until a signal; then ends the process, whatever still holds it. */
export async function start(options: StartOptions): Promise<never> {
  setEngineFlags()
  const lines = openLines()
  let log: GatewayLog | undefined
  const watch = watchProcess((line) => (log === undefined ? lines.err(line) : log.warn(line)))
  // Whatever hangs by then, it ends.
  watch.now.then(() => delay(2 * hurry)).then(() => process.exit(exitCodes.stopped))
  const code = await serve(options, lines, watch, (opened) => {
    log = opened
  })
  await (log ?? lines).flush(lastLines)
  return process.exit(code)
}

async function serve(
  options: StartOptions,
  lines: Lines,
  watch: ProcessWatch,
  onLog: (log: GatewayLog) => void,
): Promise<number> {
  const untilStopped = (gateway: Gateway): Promise<number> => drainAtSignal(gateway, lines.err, watch)
  try {
    const loaded = options.demo ? undefined : await findConfig(options, lines.err)
    if (loaded === undefined) {
      const { runDemo } = await import('../demo/run-demo.ts')
      return await runDemo({ ...options, lines, untilStopped })
    }
    const { config, warnings, problemAt, file = 'environment' } = loaded
    for (const warning of warnings) lines.err(`warning: ${formatProblem(file, warning)}`)
    const columns = (): number | undefined => (process.stdout.isTTY ? process.stdout.columns : undefined)
    const log = await openGatewayLog({ config, lines, columns })
    onLog(log)
    const gateway = await (workerCount(config) > 1 && loaded.file !== undefined
      ? serveByWorkers(loaded.config, { ...options, file, problemAt, columns, lines, log, watch })
      : startGateway(config, {
          port: options.port,
          host: options.host,
          exposed: options.exposed,
          onVaultEvent: (event) => log.vault(event),
          onAnswer: options.quiet ? undefined : (call) => log.call(call),
          onRefused: options.quiet ? undefined : (request) => log.refused(request),
          describeCredential: ({ path, reference, message }) =>
            formatProblem(file, problemAt(path, `${message}: ${howToMend(config, reference)}`)),
          onCircuitChange: options.quiet ? undefined : (changed) => log.circuit(changed),
          log: (line) => log.warn(line),
          droppedLines: () => log.dropped(),
        }))
    if (!options.quiet && config.server.log?.format !== 'json') {
      const toPaste = showClientLines(clientLines(config, gateway.url))
      lines.err(`${describeConfig(config, loaded.file)}\n\n${toPaste}\n`)
    }
    log.info(`listening on ${gateway.url}`)
    let { drainFor, drainDelay } = config.server
    const followed =
      loaded.file === undefined
        ? undefined
        : followConfig(loaded.file, { host: options.host, exposed: options.exposed }, gateway, {
            warn: (line) => log.warn(line),
            info: (line) => log.notice(line),
            taken(next) {
              drainFor = next.server.drainFor
              drainDelay = next.server.drainDelay
              return log.use(next)
            },
          })
    if (followed !== undefined) watch.onHangUp(() => void followed.reload('SIGHUP'))
    const code = await drainAtSignal(
      gateway,
      (line) => log.warn(line),
      watch,
      () => ({ drainFor, drainDelay }),
    )
    followed?.close()
    if (!options.quiet) log.summary()
    return code
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException)?.code === 'EADDRINUSE'
    lines.err(isTaken ? await explainTakenPort(error, options) : explainStartFailure(error, options))
    return exitCodes.notStarted
  }
}

interface WorkersParts extends Pick<WorkersOptions, 'file' | 'problemAt' | 'columns' | 'lines' | 'log'> {
  readonly watch: ProcessWatch
}

/** Several processes. What they need is in one file with `start`: see {@link runWorker}. */
async function serveByWorkers(
  config: Config,
  { watch, quiet = false, port, host, exposed, ...parts }: StartOptions & WorkersParts,
): Promise<Gateway> {
  const workers = await startWorkers(config, {
    ...{ quiet, port, host, exposed, ...parts },
    giveUp(why) {
      parts.log.warn(why)
      watch.end({ why: 'no worker serves', code: exitCodes.internalError })
    },
  })
  process.on('SIGUSR2', () => void workers.roll('SIGUSR2'))
  return workers
}

/** The configuration, and the file that it is from; undefined of the latter where the environment has made it. */
async function findConfig(
  { config, host, exposed }: StartOptions,
  log: (line: string) => void,
): Promise<(LoadedConfig & { readonly file?: string }) | undefined> {
  const file = configFileOf(config)
  if (file === undefined) return configFromEnvironment(process.env, log)
  return { ...loadConfig(file, { host, exposed }), file }
}

/** Waits for a reason to stop, drains, and resolves with the exit code. A second signal does not wait for the drain. */
async function drainAtSignal(
  gateway: Gateway,
  err: (line: string) => void,
  watch: ProcessWatch,
  settings: () => Pick<Config['server'], 'drainFor' | 'drainDelay'> = () => ({}),
): Promise<number> {
  setServingFlags()
  const { why, code } = await watch.ending
  const { drainFor: drainTime = usualDrain, drainDelay = 0 } = settings()
  const first = drainDelay === 0 ? '' : `no longer ready, calls are taken for ${drainDelay / 1000} s; then `
  err(
    `${why}: ${first}draining calls in flight (up to ${drainTime / 1000} s); press Ctrl-C again to stop now`,
  )
  const hurried = watch.now.then(() => {
    void gateway.close(0)
    return delay(hurry)
  })
  await Promise.race([gateway.close(drainTime, drainDelay), hurried])
  return code
}

/** How long what has the port may take to say that it is a gateway, in milliseconds. */
const introduction = 500

async function explainTakenPort(error: unknown, options: StartOptions): Promise<string> {
  const { address, port = options.port } = error as { address?: string; port?: number }
  const name = address === undefined || address.includes(':') || address === '0.0.0.0' ? '127.0.0.1' : address
  const isGateway = await fetch(`http://${name}:${port}/`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(introduction),
  }).then(
    async (response) => (await response.text()).includes('"spillway"'),
    () => false,
  )
  const by = isGateway ? ' by a gateway that runs already ("spillway status" tells how it is)' : ''
  return `port ${port} is in use${by}; choose another with --port, or --port 0 for a free one`
}

function explainStartFailure(error: unknown, options: StartOptions): string {
  if (error instanceof ConfigError) return error.message
  const { code, message, syscall, path } = error as NodeJS.ErrnoException & { port?: number }
  const port = (error as { port?: number }).port ?? options.port
  if (path !== undefined && syscall !== 'listen')
    return `${path} cannot be made or written (${code}): let this user write there, or set storage.url to another place`
  if (code === 'EACCES')
    return `port ${port} needs more rights than this user has; choose one above 1023 with --port`
  const { address, hostname } = error as { address?: string; hostname?: string }
  if (code === 'EADDRNOTAVAIL')
    return `this machine has no address ${address}: set server.host to an address that it has, or to 127.0.0.1`
  if (code === 'ENOTFOUND' && hostname !== undefined)
    return `${hostname} is not a host name that this machine can resolve: set server.host to an address, such as 127.0.0.1`
  return `the gateway could not start: ${message ?? String(error)}`
}
