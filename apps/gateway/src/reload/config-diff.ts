import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'

/** What has changed between two configurations. */
export interface ConfigDiff {
  /** Keys that take effect at once, such as `targets.claude.model`. */
  readonly changed: readonly string[]
  /** Keys that hold with the next start. */
  readonly needRestart: readonly string[]
}

/** The same for a gateway of several workers, where some need no restart: the workers are replaced for them, one after another. */
export interface WorkersDiff extends ConfigDiff {
  readonly needWorkers: boolean
}

/** What is opened once: the address, the files, the connections. */
const opened: readonly (keyof Config)[] = ['server', 'vault', 'storage', 'state', 'telemetry']

/** What of `server` can change live: it is asked with each request, or is a number that is compared with what is counted. */
const liveOfServer = [
  ...([
    'allowedHosts',
    'allowedOrigins',
    'trustProxy',
    'maxRequestBytes',
    'maxResponseBytes',
    'maxInFlightBytes',
    'maxConnections',
  ] as const),
  ...([
    'keepAliveTimeout',
    'keepAliveAfter',
    'stallTimeout',
    'bodyTimeout',
    'drainFor',
    'drainDelay',
    'loadShedding',
  ] as const),
  'unknownIds' as const,
  'onRevoke' as const,
]

/** What of `server.log` can; its file stays open. */
const liveOfLog = ['format', 'level'] as const

const live: readonly string[] = [
  ...liveOfServer.map((key) => `server.${key}`),
  ...liveOfLog.map((key) => `server.log.${key}`),
]

/** Keys that are shown at most. */
const mostKeys = 50

/** What the primary of several workers has opened, for all of them. */
const openedByPrimary = ['storage', 'state', 'server.log.file'] as const

/** Which keys differ. Values stay out of it: an address or a path says more than a log should hold. */
export function configDiff(before: Config, after: Config): ConfigDiff {
  return divided(before, after, isOpened)
}

/** The same where workers can be replaced. */
export function workersDiff(before: Config, after: Config): WorkersDiff {
  const isPrimarys = isPartOf(openedByPrimary)
  const isKept = isPartOf(['server.workers'])
  const needWorkers = [...keysThatDiffer(withLog(before), withLog(after), '')].some(
    (key) => isOpened(key) && !isPrimarys(key) && !isKept(key),
  )
  return { ...divided(before, after, isPrimarys), needWorkers }
}

function divided(before: Config, after: Config, needsRestart: (key: string) => boolean): ConfigDiff {
  const keys = [...keysThatDiffer(withLog(before), withLog(after), '')]
  return {
    changed: shortened(keys.filter((key) => !needsRestart(key))),
    needRestart: shortened(keys.filter(needsRestart)),
  }
}

/** Whether a key is one of these, or below one. */
const isPartOf =
  (parts: readonly string[]) =>
  (key: string): boolean =>
    parts.some((part) => key === part || key.startsWith(`${part}.`))

const isOpened = (key: string): boolean => isPartOf(opened)(key) && !isPartOf(live)(key)

function shortened(keys: readonly string[]): readonly string[] {
  const more = keys.length - mostKeys
  return more > 0 ? [...keys.slice(0, mostKeys), `${more} more`] : keys
}

/** Without `log` its keys are compared by themselves all the same. */
function withLog({ server, ...config }: Config): object {
  return { server: { ...server, log: { ...server.log } }, ...config }
}

/** The new configuration, with what a running gateway has opened as it was. */
export function withOpened(before: Config, after: Config): Config {
  const { vault, storage, state, telemetry } = before
  const log = { ...before.server.log, ...only(after.server.log, liveOfLog) }
  const server = { ...before.server, ...only(after.server, liveOfServer), log }
  return { ...after, server, vault, storage, state, telemetry }
}

/** The new configuration, with what the primary of workers has opened as it was. */
export function withPrimarys(before: Config, after: Config): Config {
  const { storage, state } = before
  const log = { ...after.server.log, file: before.server.log?.file }
  return { ...after, server: { ...after.server, log }, storage, state }
}

/** These properties, also where they are undefined. */
function only<T extends object, K extends keyof T>(
  from: T | undefined,
  names: readonly K[],
): { [N in K]: T[N] | undefined } {
  return Object.fromEntries(names.map((name) => [name, from?.[name]])) as { [N in K]: T[N] | undefined }
}

function* keysThatDiffer(before: unknown, after: unknown, path: string): Generator<string> {
  if (isDeepStrictEqual(before, after)) return
  if (!isPlain(before) || !isPlain(after)) return yield path
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
    yield* keysThatDiffer(before[key], after[key], path === '' ? key : `${path}.${key}`)
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
