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

/** What of these can change live: it is asked with each request, or is a number of the server. */
const live: readonly string[] = [
  ...['allowedHosts', 'allowedOrigins', 'maxRequestBytes', 'maxConnections', 'keepAliveFor'],
].map((key) => `server.${key}`)

/** Keys that are shown at most. */
const mostKeys = 50

/** Which keys differ. Values stay out of it: an address or a path says more than a log should hold. */
export function configDiff(before: Config, after: Config): ConfigDiff {
  const keys = [...keysThatDiffer(before, after, '')].slice(0, mostKeys)
  const isPartOf = (key: string) => (part: string) => key === part || key.startsWith(`${part}.`)
  const isOpened = (key: string): boolean => opened.some(isPartOf(key)) && !live.some(isPartOf(key))
  return { changed: keys.filter((key) => !isOpened(key)), needRestart: keys.filter(isOpened) }
}

/** The new configuration, with what a running gateway has opened as it was. */
export function withOpened(before: Config, after: Config): Config {
  const { vault, storage, state, telemetry } = before
  const { allowedHosts, allowedOrigins, maxRequestBytes, maxConnections, keepAliveFor } = after.server
  const server = {
    ...before.server,
    ...{ allowedHosts, allowedOrigins, maxRequestBytes, maxConnections, keepAliveFor },
  }
  return { ...after, server, vault, storage, state, telemetry }
}

function* keysThatDiffer(before: unknown, after: unknown, path: string): Generator<string> {
  if (isDeepStrictEqual(before, after)) return
  if (!isPlain(before) || !isPlain(after)) return yield path
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
    yield* keysThatDiffer(before[key], after[key], path === '' ? key : `${path}.${key}`)
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
