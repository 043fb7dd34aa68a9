import { closeSync, openSync } from 'node:fs'
import { type Clock, systemClock } from '@spillway/middleware'
import { exitCodes } from './exit-codes.ts'

/** Why a process is to end. */
export interface Ending {
  readonly why: string
  readonly code: number
}

/** What a process hears. */
export interface ProcessWatch {
  /** Resolves at the first reason to end: drain, then end. */
  readonly ending: Promise<Ending>
  /** Resolves when it is to end at once. */
  readonly now: Promise<void>
  /** Ends it for another reason. */
  end(reason: Ending): void
  /** Who hears of SIGHUP, where it is not a terminal that has closed. Without one it ends the process, as SIGTERM does. */
  onHangUp(listener: () => void): void
}

/** The part of `process` that is listened to. */
export type ProcessEvents = Pick<NodeJS.EventEmitter, 'on' | 'removeAllListeners'>

/**
 * The same key press may come as two signals, from the terminal and from a package manager that passes it on, some
 * milliseconds apart. A person takes longer.
 */
const samePress = 100

/**
 * Listens to signals and to errors that nothing has caught.
 *
 * - SIGHUP reads the configuration again, where there is one to read and the terminal is still there.
 * - SIGTERM, SIGINT and SIGHUP (a terminal that closes) end the process after a drain. Another SIGTERM or SIGINT ends it at
 *   once; another SIGHUP does not, since a closing terminal sends several.
 * - A rejection that nothing awaits is a line, and calls go on: it belongs to work beside the calls, such as an export.
 * - Any other error that nothing has caught leaves an undefined state. Calls in flight are drained, and
 *   the process ends, for whoever supervises it to start another.
 */
export function watchProcess(
  log: (line: string) => void,
  events: ProcessEvents = process,
  clock: Clock = systemClock,
): ProcessWatch {
  const ending = Promise.withResolvers<Ending>()
  const now = Promise.withResolvers<void>()
  let first: number | undefined
  const end = (reason: Ending): void => {
    first ??= clock.now()
    ending.resolve(reason)
  }
  let reload: (() => void) | undefined
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    events.on(signal, () => {
      if (signal === 'SIGHUP' && first === undefined && reload !== undefined && !hasLostTerminal()) reload()
      else if (first === undefined) end({ why: signal, code: exitCodes.stopped })
      else if (signal !== 'SIGHUP' && clock.now() - first > samePress) now.resolve()
    })
  }
  watchErrors({ log, end }, events)
  return {
    ending: ending.promise,
    now: now.promise,
    end,
    onHangUp(listener) {
      reload = listener
    },
  }
}

/** Listens to errors that nothing has caught, and to Node's own warnings. */
export function watchErrors(
  { log, end }: { readonly log: (line: string) => void; readonly end: (reason: Ending) => void },
  events: ProcessEvents = process,
): void {
  events.on('unhandledRejection', (reason: unknown) =>
    log(`unhandled rejection, calls continue: ${textOf(reason)}`),
  )
  events.on('uncaughtException', (error: unknown) => {
    log(`an error that nothing has caught: ${textOf(error)}`)
    end({ why: 'internal error', code: exitCodes.internalError })
  })
  // Node's own listener writes them past whatever bounds the log.
  events.removeAllListeners('warning')
  events.on('warning', (warning: Error) => log(`${warning.name}: ${warning.message}`))
}

const hadTerminal = process.stdin.isTTY === true || process.stdout.isTTY === true

/** Whether there was a terminal, and it has closed: only its own processes can open it by this name. */
function hasLostTerminal(): boolean {
  if (!hadTerminal) return false
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return false
  } catch {
    return true
  }
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
