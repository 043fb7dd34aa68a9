import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Alerts,
  type Audit,
  BadParameter,
  type Budgets,
  type CallContent,
  type Clients,
  type Keys,
  openApi,
  type Query,
  type QueryName,
  type Question,
  questions,
  readQuery,
  type Series,
  type Targets,
} from '@spillway/gateway-api'
import { type Clock, systemClock } from '@spillway/middleware'
import { isAskedHere } from '../access/asked-here.ts'
import { sendBytes, sendError, sendJson } from '../operators/answer-json.ts'
import { type ClientActsOptions, openClientActs } from '../operators/client-acts.ts'
import type { Operator } from '../operators/operator.ts'
import type { OperatorDoor } from '../operators/operator-door.ts'
import { answerAct } from './answer-act.ts'
import { csvOf } from './csv.ts'
import type { LedgerViews } from './ledger-views.ts'
import type { LiveEvents } from './live-events.ts'
import type { ConfiguredMirror } from './mirror-view.ts'
import { queryOf, sendProblem } from './problems.ts'
import { within } from './within.ts'

/** What the answers are made from. */
export interface ApiSources {
  readonly views: LedgerViews
  readonly targets: () => Promise<Targets>
  readonly alerts: () => Promise<Alerts>
  /** @throws BadParameter for a name that is not there */
  readonly openLimits: (
    target: string | undefined,
    endpoint: string | undefined,
    by: Operator,
  ) => Promise<void>
  readonly keys: () => Promise<Keys>
  readonly budgets: (limit: number) => Promise<Budgets>
  readonly mirrors: () => readonly ConfiguredMirror[]
  readonly audit: (query: Query<'audit'>) => Promise<Audit>
  /** Undefined where calls need no key. */
  readonly clients?: ClientActsOptions | undefined
  /** What a call said; undefined where that is not kept, or no longer. */
  readonly content: (id: string, by: Operator) => Promise<CallContent | undefined>
  readonly live: LiveEvents
  /** Told why a question could not be answered. Must not throw. */
  readonly log: (line: string) => void
  /** @default the system's */
  readonly clock?: Clock | undefined
}

/** The same for one request. */
export interface AskedSources extends ApiSources {
  readonly operator: Operator
  readonly operators: Pick<OperatorDoor, 'endWith'>
}

/** Where there is none to list. */
const noClients: Clients = { clients: [], isAsked: false, permissions: [] }

/** An answer that is a file for spreadsheets. */
class Csv {
  readonly text: string
  readonly name: string

  constructor(name: string, rows: readonly object[]) {
    this.name = name
    this.text = csvOf(rows)
  }
}

type Answers = {
  readonly [P in keyof typeof questions]: (
    query: Query<(typeof questions)[P]['query']>,
    sources: AskedSources,
    id: string,
  ) => unknown
}

const answers: Answers = {
  '/api/summary': (query, { views }) => views.summary(query),
  '/api/usage': async (query, { views }) => {
    const usage = await views.usage(query)
    if (query.format === 'json') return usage
    const { rows, other } = usage
    return new Csv(`usage-by-${query.by}`, [...rows, ...(other ? [{ key: 'all others', ...other }] : [])])
  },
  '/api/series': async (query, { views }) => {
    const series = await views.series(query)
    return query.format === 'json' ? series : new Csv(`series-by-${query.by}`, pointsOf(series))
  },
  '/api/fallbacks': async (query, { views }) => {
    const fallbacks = await views.fallbacks(query)
    return query.format === 'json' ? fallbacks : new Csv('fallbacks', fallbacks.rows)
  },
  '/api/facets': (query, { views }) => views.facets(query),
  '/api/matches': (query, { views }) => views.matches(query),
  '/api/sessions': async (query, { views }) => {
    const sessions = await views.sessions(query)
    return query.format === 'json' ? sessions : new Csv('conversations', sessions.rows)
  },
  '/api/calls': async (query, { views }) => {
    const calls = await views.calls(query)
    return query.format === 'json' ? calls : new Csv('calls', calls.calls)
  },
  '/api/calls/{id}': (_, { views }, id) => views.story(id),
  '/api/calls/{id}/content': (_, { content, operator }, id) => content(id, operator),
  '/api/targets': (_, { targets }) => targets(),
  '/api/alerts': (_, { alerts }) => alerts(),
  '/api/budgets': async ({ limit, format }, { budgets }) => {
    const found = await budgets(limit)
    return format === 'json' ? found : new Csv('budgets', found.budgets)
  },
  '/api/changes': async (query, { views }) => {
    const changes = await views.changes(query)
    return query.format === 'json' ? changes : new Csv('changes', changes.changes)
  },
  '/api/mirror': async (query, { views, mirrors }) => {
    const compared = await views.mirrors(query, mirrors())
    if (query.format === 'json') return compared
    return new Csv(
      'mirrors',
      compared.mirrors.map(({ newest: _, ...sums }) => sums),
    )
  },
  '/api/keys': (_, { keys }) => keys(),
  '/api/clients': (_, { clients, operator }) =>
    clients === undefined ? noClients : openClientActs(clients).list(operator),
  '/api/audit': async (query, { audit }) => {
    const found = await audit(query)
    return query.format === 'json' ? found : new Csv('audit', found.entries)
  },
}

/** A line for each group and step. */
const pointsOf = ({ series }: Series): object[] =>
  series.flatMap(({ key, name, points }) =>
    points.map(({ at, ...sums }) => ({ at, key, ...(name !== undefined && { name }), ...sums })),
  )

/** How long an answer may take, in milliseconds: whoever asks may wait for the read before, and for their turn. */
const longestAnswer = 12_000

function late(): never {
  const error = new Error(`the ledger did not answer within ${longestAnswer / 1000} s; ask again later`)
  throw Object.assign(error, { code: 'SPILLWAY_READ_TIMEOUT' })
}

/** Where the server-sent events are. */
export const livePath = '/api/live'

/** The description, which is no question of the ledger's. */
const descriptionPath = '/api/openapi.json'

/** What answers a path; undefined where there is nothing. */
function answerTo(path: string): ((query: URLSearchParams, sources: AskedSources) => unknown) | undefined {
  if (path === descriptionPath) {
    return (query) => {
      readQuery('nothing', query)
      return openApi()
    }
  }
  const { question, id } = asked(path)
  if (!Object.hasOwn(questions, question)) return undefined
  const { query: name } = questions[question]
  const answer = answers[question] as (query: Query<QueryName>, sources: AskedSources, id: string) => unknown
  return (query, sources) => answer(readQuery(name, query), sources, decoded(id))
}

function asked(path: string): { question: keyof typeof questions; id: string | undefined } {
  const [, id, more = ''] = /^\/api\/calls\/([^/]+)(\/content)?$/.exec(path) ?? []
  return { question: (id === undefined ? path : `/api/calls/{id}${more}`) as keyof typeof questions, id }
}

function decoded(part = ''): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new BadParameter('id', 'expected the id of a call')
  }
}

/** Answers everything below `/api/`: questions with GET and HEAD, acts with other methods. */
export async function answerApi(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  sources: AskedSources,
): Promise<void> {
  if (req.method !== 'GET' && req.method !== 'HEAD') return answerAct(req, res, path, sources)
  req.resume()
  if (path === livePath) {
    if (sources.live.join(req, res)) return sources.operators.endWith(sources.operator, res)
    return sendError(res, 503, 'too many watch already, or the gateway is about to stop', {
      'retry-after': '5',
    })
  }
  const answer = answerTo(path)
  if (answer === undefined) {
    const known = [...Object.keys(questions), descriptionPath, livePath].join(', ')
    // A long one may hold a key that was pasted in the wrong place.
    const shown = path.length > 30 ? '' : `: ${path}`
    return sendError(res, 404, `no such path${shown}; there are ${known}`)
  }
  const { isLocal = false }: Partial<Question> = questions[asked(path).question] ?? {}
  if (isLocal && sources.operator.by === 'open' && !isAskedHere(req))
    return sendError(
      res,
      403,
      'without a login, prompts and answers are shown on the machine of the gateway alone: ask 127.0.0.1 there, without a proxy, or set server.admin: login',
    )
  try {
    const given = Promise.resolve(answer(queryOf(req), sources))
    const value = await within(longestAnswer, given, late, sources.clock ?? systemClock)
    if (value === undefined) return sendError(res, 404, 'call not found, or already removed')
    if (value instanceof Csv) return sendCsv(res, value)
    sendJson(res, 200, value)
  } catch (error) {
    sendProblem(res, path, error, sources.log)
  }
}

function sendCsv(res: ServerResponse, { name, text }: Csv): void {
  sendBytes(res, 200, Buffer.from(text), {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}.csv"`,
  })
}
