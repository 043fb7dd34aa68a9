import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '@spillway/middleware'
import type { AuditFilter } from './audit-view.ts'
import type { Audit, Keys, Mirrors, Targets } from './contract.ts'
import type { LedgerViews } from './ledger-views.ts'
import type { LiveEvents } from './live-events.ts'
import { openApi } from './openapi.ts'
import {
  BadParameter,
  checkNames,
  cursorOf,
  groupings,
  oneOf,
  rangeOf,
  textOf,
  wholeNumber,
} from './parameters.ts'
import { TooManyReads } from './shared-reads.ts'
import { within } from './within.ts'

/** What the answers are made from. */
export interface ApiSources {
  readonly views: LedgerViews
  readonly targets: () => Targets
  /** @throws BadParameter for a name that is not there */
  readonly openLimits: (target: string | undefined, endpoint: string | undefined) => void
  readonly keys: () => Promise<Keys>
  readonly mirrors: () => Mirrors
  readonly audit: (filter: AuditFilter) => Promise<Audit>
  readonly live: LiveEvents
  /** Told why a question could not be answered. Must not throw. */
  readonly log: (line: string) => void
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** @default the system's */
  readonly clock?: Clock | undefined
}

interface ApiRoute {
  readonly parameters: readonly string[]
  readonly answer: (query: URLSearchParams, sources: ApiSources) => unknown
}

/** All paths with JSON behind them. */
export const apiRoutes: Readonly<Record<string, ApiRoute>> = {
  '/api/summary': {
    parameters: ['range'],
    answer: (query, { views, now }) => views.summary(rangeOf(query, now())),
  },
  '/api/usage': {
    parameters: ['by', 'range', 'limit'],
    answer: (query, { views, now }) =>
      views.usage(
        oneOf(query, 'by', groupings, 'model'),
        rangeOf(query, now()),
        wholeNumber(query, 'limit', 100, 1000) as number,
      ),
  },
  '/api/fallbacks': {
    parameters: ['range'],
    answer: (query, { views, now }) => views.fallbacks(rangeOf(query, now())),
  },
  '/api/calls': {
    parameters: ['limit', 'before', 'model', 'tenant', 'target', 'failure', 'query'],
    answer: (query, { views }) =>
      views.calls({
        limit: wholeNumber(query, 'limit', 50, 1000) as number,
        before: cursorOf(query, 'before'),
        model: textOf(query, 'model'),
        tenant: textOf(query, 'tenant'),
        target: textOf(query, 'target'),
        failure: textOf(query, 'failure'),
        query: textOf(query, 'query'),
      }),
  },
  '/api/targets': { parameters: [], answer: (_, { targets }) => targets() },
  '/api/mirror': { parameters: [], answer: (_, { mirrors }) => mirrors() },
  '/api/keys': { parameters: [], answer: (_, { keys }) => keys() },
  '/api/audit': {
    parameters: ['limit', 'before', 'query'],
    answer: (query, { audit }) =>
      audit({
        limit: wholeNumber(query, 'limit', 50, 1000) as number,
        before: wholeNumber(query, 'before', undefined, Number.MAX_SAFE_INTEGER),
        query: textOf(query, 'query'),
      }),
  },
  '/api/openapi.json': { parameters: [], answer: () => openApi },
}

/** How long an answer may take, in milliseconds: whoever asks may wait for the read before, and for their turn. */
const longestAnswer = 12_000

function late(): never {
  throw Object.assign(
    new Error(`the ledger did not answer within ${longestAnswer / 1000} s; ask again later`),
    {
      code: 'SPILLWAY_READ_TIMEOUT',
    },
  )
}

/** Where the server-sent events are. */
export const livePath = '/api/live'

/** What can be done, by the same paths with POST. It changes what the gateway does, and nothing that is kept. */
const apiActions: Readonly<Record<string, ApiRoute>> = {
  '/api/targets': {
    parameters: ['open', 'target', 'endpoint'],
    answer(query, { openLimits, targets }) {
      if (query.get('open') !== 'limits') throw new BadParameter('open', 'expected limits')
      openLimits(textOf(query, 'target'), textOf(query, 'endpoint'))
      return targets()
    },
  },
}

/** Answers everything below `/api/`: questions with GET and HEAD, actions with POST. */
export async function answerApi(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  sources: ApiSources,
): Promise<void> {
  req.resume()
  const isAction = req.method === 'POST' && Object.hasOwn(apiActions, path)
  if (req.method !== 'GET' && req.method !== 'HEAD' && !isAction)
    return sendError(res, 405, `${req.method} is not allowed here; use GET`, { allow: 'GET, HEAD' })
  if (path === livePath) {
    if (sources.live.join(req, res)) return
    return sendError(res, 503, 'too many watch already, or the gateway is about to stop', {
      'retry-after': '5',
    })
  }
  const routes = isAction ? apiActions : apiRoutes
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) {
    const known = [...Object.keys(apiRoutes), livePath].join(', ')
    // A long one may hold a key that was pasted in the wrong place.
    const asked = path.length > 30 ? '' : `: ${path}`
    return sendError(res, 404, `no such path${asked}; there are ${known}`)
  }
  try {
    const query = new URLSearchParams(/\?([^#]*)/.exec(req.url ?? '')?.[1])
    checkNames(query, route.parameters)
    const answer = Promise.resolve(route.answer(query, sources))
    send(res, 200, await within(longestAnswer, answer, late, sources.clock ?? systemClock))
  } catch (error) {
    if (error instanceof BadParameter) return sendError(res, 400, error.message)
    if (error instanceof TooManyReads) return sendError(res, 503, error.message, { 'retry-after': '5' })
    // What a database says may show where it is, and who it is asked by.
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'SPILLWAY_READS_BUSY' || code === 'SPILLWAY_READ_TIMEOUT')
      return sendError(res, 503, (error as Error).message, { 'retry-after': '5' })
    sources.log(`${path} failed: ${code ?? (error as Error).name}`)
    sendError(res, 503, 'the ledger does not answer; calls are served, and their rows wait: see /readyz', {
      'retry-after': '5',
    })
  }
}

function sendError(
  res: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  send(res, status, { error: { status, message } }, headers)
}

function send(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.destroyed) return
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  res.end(body)
}
