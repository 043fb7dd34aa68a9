import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CallContent,
  type CallRow,
  type Login,
  type RangeName,
  ranges,
  type Series,
  type Usage,
} from '@spillway/gateway-api'
import { openDashboard } from '../../gateway/src/server/dashboard.ts'
import type { Fixture } from './fixtures.ts'

/** A server that answers the gateway's API from a fixture, and serves the dashboard as the gateway does. */
export interface FixtureServer {
  readonly url: string
  /** What is answered from now on. */
  fixture: Fixture
  /** While true, the API answers with errors. */
  isBroken: boolean
  /** Sends a call to all who listen. */
  send(call: CallRow): void
  /** Ends all live connections. */
  cutLive(): void
  close(): Promise<void>
}

/** Starts one. `folder` holds the built dashboard; without it there is the API alone. */
export async function startFixtureServer(
  fixture: Fixture,
  folder?: string,
  port = 0,
): Promise<FixtureServer> {
  const dashboard = folder === undefined ? undefined : openDashboard(folder)
  const live = new Set<ServerResponse>()
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://fixture')
    if (dashboard?.answer(req, res, pathname)) return
    if (self.isBroken && pathname.startsWith('/api/')) {
      return sendJson(res, 503, { error: { message: 'the ledger cannot be reached' } })
    }
    if (pathname === '/api/login') return sendJson(res, 200, openToAll)
    if (pathname === '/api/live') return listen(req, res)
    const answer = answerOf(self.fixture, pathname, searchParams)
    sendJson(
      res,
      answer === undefined ? 404 : 200,
      answer ?? { error: { message: `no such route: ${pathname}` } },
    )
  })
  const listen = (req: IncomingMessage, res: ServerResponse): void => {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    res.write('retry: 200\nevent: ping\ndata: {}\n\n')
    live.add(res)
    req.on('close', () => live.delete(res))
  }
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const self: FixtureServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fixture,
    isBroken: false,
    send(call) {
      for (const res of live) res.write(`event: call\ndata: ${JSON.stringify(call)}\n\n`)
    },
    cutLive() {
      for (const res of live) res.destroy()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}

/** A gateway without authentication. */
const openToAll: Login = {
  login: false,
  operator: {
    ...{ name: 'anyone', by: 'open', csrf: null, endsAt: null },
    permissions: ['admin:read', 'admin:write', 'admin:content', 'metrics'],
  },
}

const fixtureContent: CallContent = {
  messages: [
    { role: 'system', text: 'You are brief.' },
    { role: 'user', text: 'What is the capital of France?\nAnswer in one word.' },
  ],
  answer: 'Paris.',
  isCut: true,
}

function answerOf(fixture: Fixture, path: string, query: URLSearchParams): unknown {
  const range = (query.get('range') ?? '24h') as RangeName
  const page = <T>(all: readonly T[]): { readonly rows: readonly T[]; readonly next?: string } => {
    const from = Number(query.get('before') ?? 0)
    const to = from + Number(query.get('limit') ?? 50)
    return { rows: all.slice(from, to), ...(to < all.length && { next: String(to) }) }
  }
  const has = (name: string, text: string | null): boolean => (text ?? '').includes(query.get(name) ?? '')
  if (path.endsWith('/content')) return fixtureContent
  const id = /^\/api\/calls\/(.+)$/.exec(path)?.[1]
  if (id !== undefined) return fixture.story(decodeURIComponent(id))
  switch (path) {
    case '/api/summary':
      return fixture.summary(range)
    case '/api/usage':
      return fixture.usage(range, (query.get('by') ?? 'model') as Usage['by'])
    case '/api/fallbacks':
      return fixture.fallbacks(range)
    case '/api/series':
      return fixture.series(range, (query.get('by') ?? 'target') as Series['by'])
    case '/api/facets':
      return { range: { from: 0, to: 0 }, facets: fixture.facets }
    case '/api/matches': {
      const { range: shown, series } = fixture.summary(range)
      return {
        range: shown,
        times: series.map(({ at }) => at),
        calls: series.map(({ calls }) => calls),
        problems: series.map(({ errors, fallbacks }) => errors + fallbacks),
      }
    }
    case '/api/sessions':
      return { range: { from: 0, to: 0 }, rows: fixture.sessions }
    case '/api/alerts':
      return { at: Date.now(), alerts: fixture.alerts }
    case '/api/targets':
      return fixture.targets
    case '/api/changes':
      return { range: { from: Date.now() - ranges[range].length, to: Date.now() }, changes: fixture.changes }
    case '/api/mirror':
      return fixture.mirrors
    case '/api/clients':
      return fixture.clients
    case '/api/budgets':
      return { at: Date.now(), budgets: fixture.budgets, more: 0 }
    case '/api/keys':
      return fixture.keys
    case '/api/calls': {
      const { rows: calls, next } = page(
        fixture.calls.filter(
          (call) =>
            has('model', call.model) &&
            has('failure', call.failure) &&
            has('query', call.id) &&
            has('session', call.session) &&
            (query.get('problems') !== 'true' || call.failure !== null || call.fallback !== null),
        ),
      )
      return { calls, next }
    }
    case '/api/audit': {
      const { rows: entries, next } = page(
        fixture.audit.filter(({ actor, action, subject }) => has('query', `${actor} ${action} ${subject}`)),
      )
      return { entries, next }
    }
  }
  return undefined
}

function sendJson(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
