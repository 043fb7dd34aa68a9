import type { Api } from '@spillway/middleware'
import { attempts, limits, longestBackoff } from '../limits.ts'
import type { Mode, Row } from '../row.ts'
import { isPatient, type Shape, upstreamApi } from '../shape.ts'
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

/** How a target is said to speak each protocol. A server of Responses has nothing else where its callers speak something else. */
const spokenAs: Readonly<Record<Api, (shape: Shape) => object>> = {
  anthropic: () => ({ api: 'anthropic' }),
  openai: () => ({ api: 'openrouter' }),
  responses: ({ at }) => ({ api: 'openai', dialect: 'openai', responses: at === undefined ? true : 'only' }),
}

function targetsOf({ row, model, firstUrl, second }: PreparedRow): object {
  const endpoints = (url: string): object[] => [{ url, credential: `env:${keyVariable}` }]
  const target = (url: string): object => ({
    ...spokenAs[upstreamApi(row.shape)](row.shape),
    endpoints: endpoints(url),
    ...ownLimits(row),
  })
  const first = { [model]: target(firstUrl) }
  if (row.fallback === undefined) return first
  const { api } = row.fallback
  const other = api === undefined ? target(second.url) : { api, endpoints: endpoints(second.url) }
  return { ...first, [secondTarget(model)]: other }
}

/** Servers of `api: openai` have all the time that they want, unless their own limits say otherwise. */
function ownLimits({ shape, attemptLimit }: Row): object {
  const { headers, firstContent, idle } = limits
  if (attemptLimit !== undefined)
    return { timeouts: durations({ headers: attemptLimit, firstContent: attemptLimit }) }
  return isPatient(shape) ? { timeouts: durations({ headers, firstContent, idle }) } : {}
}

function durations(times: Readonly<Record<string, number>>): object {
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, `${ms}ms`]))
}
