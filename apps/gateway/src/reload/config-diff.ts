import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'

/** What has changed between two configurations. */
export interface ConfigDiff {
  /** Keys that take effect at once, such as `targets.claude.model`. */
  readonly changed: readonly string[]
  /** Keys that hold with the next start. */
  readonly needRestart: readonly string[]
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

/** Which keys differ. Values stay out of it: an address or a path says more than a log should hold. */
export function configDiff(before: Config, after: Config): ConfigDiff {
  const keys = [...keysThatDiffer(withLog(before), withLog(after), '')]
  const isPartOf = (key: string) => (part: string) => key === part || key.startsWith(`${part}.`)
  const isOpened = (key: string): boolean => opened.some(isPartOf(key)) && !live.some(isPartOf(key))
  return {
    changed: shortened(keys.filter((key) => !isOpened(key))),
    needRestart: shortened(keys.filter(isOpened)),
  }
}

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
