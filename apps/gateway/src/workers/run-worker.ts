import { setTimeout as delay } from 'node:timers/promises'
import { setEngineFlags, setServingFlags } from '../cli/engine-flags.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { watchErrors } from '../cli/watch-process.ts'
import { formatProblem } from '../config/config-error.ts'
import { openGateway, type WorkerGateway } from '../gateway.ts'
import { type GatewayLog, openGatewayLog } from '../log/gateway-log.ts'
import { openLines } from '../log/lines.ts'
import { ownManifest } from '../own-manifest.ts'
import { howToMend } from '../vault/how-to-add.ts'
import { openChannel } from './channel.ts'
import { collectMetrics } from './metrics-questions.ts'
import * as orders from './orders.ts'
import { ipcPort } from './port.ts'
import { usualDrain } from './usual-drain.ts'
import { partsOf } from './worker-parts.ts'

/** How long the last lines may take to be written, in milliseconds. */
const lastLines = 500

/** How long all may take to close where the drain is over at once, in milliseconds. */
const hurry = 2_000

/** How long after a signal the primary may take to tell the workers of it, in milliseconds. */
const sameSignal = 200

/** Serves what the primary orders, until it orders the end or is gone itself. */
export function runWorker(): void {
  setEngineFlags()
  const lines = openLines()
  const channel = openChannel(ipcPort(process, () => process.connected))
  let log: GatewayLog | undefined
  let gateway: WorkerGateway | undefined
  let drain: number | undefined
  let view: orders.WorkersView | undefined
  let isEnding = false

  /** To the primary, which says once what several workers say; where that is gone, nobody else does. */
  const say = (said: orders.Said): void => {
    if (channel.tell(orders.said, said)) return
    if (said.kind === 'warning') (log ?? { warn: lines.err }).warn(said.line)
  }
  const warn = (line: string): void => say({ kind: 'warning', line })

  const exit = async (code: number): Promise<never> => {
    channel.flush()
    await (log ?? lines).flush(lastLines)
    // What the channel has taken is handed over in the next turn.
    await delay(0)
    return process.exit(code)
  }

  const close = async ({ drain, delay: taking, isReplaced }: orders.Closing): Promise<void> => {
    isEnding = true
    if (drain === 0) setTimeout(() => process.exit(exitCodes.stopped), hurry)
    await (isReplaced ? gateway?.handOver(drain) : gateway?.close(drain, taking))
  }

  /** Ends by itself; the primary starts another one at once. */
  const leave = async (why: string, code: number): Promise<void> => {
    if (isEnding) return
    channel.tell(orders.leaving, { why })
    // Also where the primary is gone: a client may just be about to send its next call over a connection that idles.
    await close({ drain: drain ?? usualDrain, delay: 0, isReplaced: true })
    await exit(code)
  }

  watchErrors({
    log: warn,
    end: ({ why, code }) => void leave(why, code),
  })
  process.on('SIGTERM', () => {
    // A service manager sends it to all processes: then the primary says what is to be done.
    setTimeout(() => void leave('SIGTERM', exitCodes.stopped), sameSignal)
  })
  void obeyNoDisconnect()
  channel.onClose(() => {
    if (gateway === undefined) return process.exit(exitCodes.notStarted)
    if (!isEnding) lines.err('the primary is gone: draining calls in flight')
    void leave('the primary is gone', exitCodes.internalError)
  })

  channel.answer(orders.serve, async (order) => {
    const { config, id, file } = order
    process.title = `spillway worker ${id}`
    const { version } = ownManifest()
    if (order.version !== version)
      throw new Error(`the installed program is ${version} now, and ${order.version} is running: restart it`)
    log = await openGatewayLog({ config, lines, columns: () => order.columns, worker: id })
    const own = log
    drain = config.server.drainFor
    gateway = await openGateway(
      config,
      {
        port: order.port,
        host: order.host,
        exposed: order.exposed,
        log: warn,
        onVaultEvent: (event) => say({ kind: 'vault', event }),
        onCircuitChange: order.quiet ? undefined : (changed) => say({ kind: 'circuit', changed }),
        onAnswer: order.quiet ? undefined : (call) => own.call(call),
        onRefused: order.quiet ? undefined : (request) => own.refused(request),
        describeCredential({ path, reference, message }) {
          const mended = `${message}: ${howToMend(config, reference)}`
          const place = order.places[path.join('.')]
          return place === undefined ? mended : formatProblem(file, { ...place, message: mended })
        },
        droppedLines: () => own.dropped(),
      },
      partsOf(channel, { id, count: order.count, view: () => view }),
    )
    setServingFlags()
    return { url: gateway.url }
  })
  channel.answer(orders.reload, async ({ config, subject }) => {
    if (gateway === undefined) throw new Error('it does not serve yet')
    const diff = await gateway.reload(config, subject)
    drain = config.server.drainFor
    await log?.use(config)
    return diff
  })
  channel.answer(orders.close, async (closing) => {
    await close(closing)
    void delay(0).then(() => exit(exitCodes.stopped))
    return { counts: log?.counts(), metrics: (await gateway?.metrics()) ?? [] }
  })
  channel.answer(orders.areYouThere, () => true)
  channel.answer(collectMetrics, async () => (await gateway?.metrics()) ?? [])
  channel.hear(orders.noteAct, ({ action, details }) => gateway?.note(action, details))
  channel.hear(orders.workersAre, (next) => {
    view = next
  })
}

/** Node ends a worker at once when its primary is gone. */
async function obeyNoDisconnect(): Promise<void> {
  const { worker } = (await import('node:cluster')).default
  worker?.on('disconnect', () => {
    worker.exitedAfterDisconnect = true
  })
}
