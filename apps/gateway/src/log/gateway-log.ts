import { stripVTControlCharacters } from 'node:util'
import type { VaultEvent } from '@spillway/key-vault'
import { isModelRefusal } from '@spillway/wire'
import { callLine, declinedLine, hasDeclined } from '../cli/call-line.ts'
import { circuitLine } from '../cli/circuit-line.ts'
import { vaultLine } from '../cli/vault-line.ts'
import type { Config, LogConfig } from '../config/config.ts'
import type { CircuitChanged } from '../gateway.ts'
import { globMatcher } from '../glob.ts'
import type { AnsweredCall } from '../server/handle-call.ts'
import type { RefusedRequest } from '../server/refusal.ts'
import { callFacts } from './call-facts.ts'
import { type LineWriter, lineWriter } from './line-writer.ts'
import type { Lines } from './lines.ts'
import { LogFile } from './log-file.ts'
import { redacted } from './redact.ts'
import { refusedFacts, refusedLine } from './refused-line.ts'
import { Tally, type TallyCounts } from './tally.ts'

/** What a running gateway says: each call, each change of state, what its owner should know, and a summary. */
export interface GatewayLog {
  call(call: AnsweredCall): void
  /** A request that was refused before it was known whose turn it would be. */
  refused(request: RefusedRequest): void
  circuit(changed: CircuitChanged): void
  vault(event: VaultEvent): void
  /** What its owner should know. */
  warn(line: string): void
  /** What is well, such as where it listens. */
  info(line: string): void
  /** Something of interest that is no warning, with its date. */
  notice(line: string): void
  summary(): void
  /** What was served so far. */
  counts(): TallyCounts
  /** Adds to the summary what another process has served. */
  served(counts: TallyCounts): void
  /** Goes on with the format, level and routes of another configuration. */
  use(config: GatewayLogOptions['config']): Promise<void>
  /** Lines lost so far, by stream. */
  dropped(): Readonly<Record<string, number>>
  /** Resolves when all is written, or after `ms` milliseconds. */
  flush(ms: number): Promise<void>
}

type Level = 'error' | 'warn' | 'info'

const ranks: Readonly<Record<Level, number>> = { error: 0, warn: 1, info: 2 }

/** Writes an event that is important enough: what is not asked for is not made. */
type Write = (level: Level, facts: () => Record<string, unknown>, text: () => string) => void

export interface GatewayLogOptions {
  readonly config: Pick<Config, 'server' | 'routes'>
  readonly lines: Lines
  /** Columns of the terminal that standard output is; undefined where it is none. */
  readonly columns?: (() => number | undefined) | undefined
  /** The number of a worker, in each line for machines. */
  readonly worker?: number | undefined
}

/**
 * Opens the log of a configuration. Whatever happens to its destination, logging neither waits nor fails.
 * @throws Error where `server.log.file` cannot be opened
 */
export async function openGatewayLog({
  config,
  lines,
  columns = () => undefined,
  worker,
}: GatewayLogOptions): Promise<GatewayLog> {
  const { file }: LogConfig = config.server.log ?? {}
  const written = file === undefined ? undefined : fileWriter(file, lines)
  const settingsOf = async ({ server, routes }: typeof config) => {
    const { format = 'pretty', level = 'info' }: LogConfig = server.log ?? {}
    return {
      level,
      json:
        format === 'json'
          ? await jsonWriter((line) => (written ? written.write(line) : lines.out(line)), worker)
          : undefined,
      routes: routes.map(({ models }) => ({ models, serves: globMatcher(models) })),
    }
  }
  let settings = await settingsOf(config)
  const tally = new Tally()
  const startedAt = performance.now()
  const width = (): number | undefined => (written === undefined ? columns() : undefined)
  const plain = (text: string): string => (written === undefined ? text : stripVTControlCharacters(text))
  /** To standard output what is routine, to standard error what its owner should know. */
  const say = (text: string, isRoutine: boolean): void => {
    if (written !== undefined) written.write(plain(text))
    else if (isRoutine) lines.out(text)
    else lines.err(text)
  }
  const write = (isRoutine: boolean): Write => {
    return (of, facts, text) => {
      const { level, json } = settings
      if (ranks[of] > ranks[level]) return
      if (json === undefined) say(text(), isRoutine)
      else json[of](facts())
    }
  }
  const [routine, notable] = [write(true), write(false)]
  const layout = () => ({ width: width() })
  return {
    call(call) {
      tally.add(call)
      const isKnown = call.response.failure !== undefined || hasDeclined(call.record)
      const route = settings.routes.find(({ serves }) => serves(call.model))?.models
      const of = call.response.failure === undefined ? 'info' : 'warn'
      routine(
        of,
        () => callFacts(call, route),
        () => callLine(call, new Date(), layout(), route),
      )
      if (isKnown) return
      call.response.outcome.then((outcome) => {
        if (!isModelRefusal(outcome)) return
        const facts = () => ({ ...callFacts(call, route), event: 'refusal', outcome: 'refusal' })
        routine('warn', facts, () => declinedLine(call, outcome, new Date(), layout()))
      })
    },
    refused(request) {
      tally.refuse()
      routine(
        'warn',
        () => refusedFacts(request),
        () => refusedLine(request, new Date(), layout()),
      )
    },
    circuit(changed) {
      const { target, endpoint, change } = changed
      const { scope, key, from, to, reason } = change
      const facts = () => ({
        event: 'circuit',
        target,
        endpoint,
        scope,
        ...(scope === 'model' && { model: key }),
        from,
        to,
        reason,
      })
      routine(to === 'open' ? 'warn' : 'info', facts, () => circuitLine(changed, new Date(), layout()))
    },
    vault(event) {
      const isWell = /recovered|completed|promoted|started/.test(event.type)
      const { type, ...said } = event
      const facts = () => ({ event: type, ...said })
      notable(isWell ? 'info' : 'warn', facts, () => `${dateOf(new Date())}  ${redacted(vaultLine(event))}`)
    },
    warn(line) {
      const msg = redacted(line)
      notable(
        'warn',
        () => ({ event: 'notice', msg }),
        () => `${dateOf(new Date())}  ${msg}`,
      )
    },
    notice(line) {
      const msg = redacted(line)
      routine(
        'info',
        () => ({ event: 'notice', msg }),
        () => `${dateOf(new Date())}  ${msg}`,
      )
    },
    info(line) {
      const { level, json } = settings
      if (json !== undefined && ranks.info <= ranks[level]) json.info({ event: 'notice', msg: line })
      // Whoever starts it waits for this line, wherever the log goes.
      if (json === undefined || written !== undefined) lines.out(line)
    },
    summary() {
      const uptime = performance.now() - startedAt
      routine(
        'info',
        () => tally.facts(Math.round(uptime)),
        () => `${dateOf(new Date())}  ${tally.line(uptime)}`,
      )
    },
    counts: () => tally.counts,
    served: (counts) => tally.merge(counts),
    async use(next) {
      settings = await settingsOf(next)
    },
    dropped: () => ({ ...lines.dropped(), ...(written && { file: written.dropped }) }),
    flush: async (ms) => void (await Promise.all([lines.flush(ms), written?.flush(ms)])),
  }
}

/** `2026-11-27 10:32:05`, in the time of this machine. */
export function dateOf(at: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${at.toTimeString().slice(0, 8)}`
}

/** pino makes the lines; its destination is bounded, which pino's transports are not. */
async function jsonWriter(
  take: (line: string) => void,
  worker: number | undefined,
): Promise<Record<Level, (facts: object) => void>> {
  // Loaded by those who want it: it takes longer than the rest of the log.
  const { pino } = await import('pino')
  const logger = pino(
    {
      base: { pid: process.pid, name: 'spillway', ...(worker !== undefined && { worker }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (text: string) => take(text.slice(0, -1)) },
  )
  return {
    error: (facts) => logger.error(facts),
    warn: (facts) => logger.warn(facts),
    info: (facts) => logger.info(facts),
  }
}

function fileWriter(file: string, lines: Lines): LineWriter {
  let output: LogFile
  try {
    output = new LogFile(file, (line) => lines.err(line))
  } catch (error) {
    throw new Error(`server.log.file: ${file} cannot be written to: ${(error as Error).message}`)
  }
  const onOutage = (reason: string): void =>
    lines.err(`the log ${file} takes no lines (${reason}): they are dropped and counted until it does`)
  return lineWriter(output, { onOutage })
}
