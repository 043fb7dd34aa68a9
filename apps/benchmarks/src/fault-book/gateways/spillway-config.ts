import { attempts, limits, longestBackoff } from '../limits.ts'
import type { Mode } from '../row.ts'
import type { PreparedRow } from '../upstreams.ts'

/** The environment variable that holds the credential of all targets. */
export const keyVariable = 'FAULT_BOOK_KEY'

const policies: Readonly<Record<Mode, { keepAliveAfter?: string; midStream?: string }>> = {
  standard: {},
  continue: { midStream: 'continue' },
  restart: { midStream: 'restart' },
  'keep-alive': { keepAliveAfter: '100ms' },
}

/** The configuration of a Spillway with targets of their own for each row, so that no row is another's history. */
export function spillwayConfig(rows: readonly PreparedRow[], mode: Mode): string {
  const { keepAliveAfter, midStream } = policies[mode]
  const { reserve, ...timeouts } = limits
  // JSON is YAML.
  return JSON.stringify({
    server: { host: '127.0.0.1', port: 0, ...(keepAliveAfter && { keepAliveAfter }) },
    targets: Object.assign({}, ...rows.map(targetsOf)),
    routes: rows.map(({ row, model }) => ({
      models: model,
      target: model,
      fallback: row.fallback === undefined ? [] : [secondTarget(model)],
    })),
    timeouts: durations(timeouts),
    retry: { attempts, baseDelay: '20ms', maxDelay: `${longestBackoff}ms`, budget: 1 },
    fallback: { reserve: `${reserve}ms`, ...(midStream && { midStream }) },
  })
}

/** The name of a row's second target. */
export function secondTarget(model: string): string {
  return `${model}-second`
}

function targetsOf({ row, model, firstUrl, second }: PreparedRow): object {
  const target = (url: string, api = row.shape.api === 'anthropic' ? 'anthropic' : 'openrouter'): object => ({
    api,
    endpoints: [{ url, credential: `env:${keyVariable}` }],
    ...(row.attemptLimit === undefined
      ? {}
      : { timeouts: durations({ headers: row.attemptLimit, firstContent: row.attemptLimit }) }),
  })
  const first = { [model]: target(firstUrl) }
  return row.fallback === undefined
    ? first
    : { ...first, [secondTarget(model)]: target(second.url, row.fallback.api) }
}

function durations(times: Readonly<Record<string, number>>): object {
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, `${ms}ms`]))
}
