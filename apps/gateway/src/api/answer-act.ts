import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ActBody, type ActName, acts, BadParameter, readActBody, readQuery } from '@spillway/gateway-api'
import { sendError, sendJson } from '../operators/answer-json.ts'
import { type ClientActs, openClientActs } from '../operators/client-acts.ts'
import { readJsonBody } from '../operators/json-body.ts'
import { Refused } from '../operators/refused.ts'
import type { AskedSources } from './api-server.ts'
import { queryOf, sendProblem } from './problems.ts'

/** What an act is asked for with. */
interface Asked<A extends ActName> {
  readonly query: URLSearchParams
  readonly body: ActBody<A>
  /** The part of the path that varies. */
  readonly name: string
  readonly ifMatch: string | undefined
}

type Doing = {
  readonly [A in ActName]: (asked: Asked<A>, sources: AskedSources) => unknown
}

const doing: Doing = {
  async 'POST /api/targets'({ query }, { openLimits, targets, operator }) {
    const { target, endpoint } = readQuery('openLimits', query)
    await openLimits(target, endpoint, operator)
    return targets()
  },
  'POST /api/clients': ({ body }, sources) => clientsOf(sources).add(body, sources.operator),
  'PATCH /api/clients/{name}': ({ name, body, ifMatch }, sources) =>
    clientsOf(sources).change(name, body, ifMatch, sources.operator),
  'POST /api/clients/{name}/rotate': ({ name, body }, sources) =>
    clientsOf(sources).rotate(name, body.overlap, sources.operator),
  'POST /api/clients/{name}/revoke': ({ name }, sources) => clientsOf(sources).revoke(name, sources.operator),
}

function clientsOf({ clients }: AskedSources): ClientActs {
  if (clients !== undefined) return openClientActs(clients)
  throw new Refused(409, 'calls need no key here, so there are no clients: set server.auth: keys')
}

/** Answers an act below `/api/`: a change of what the gateway does, by someone who may. */
export async function answerAct(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  sources: AskedSources,
): Promise<void> {
  const [, name, rest = ''] = /^\/api\/clients\/([^/]+)(\/\w+)?$/.exec(path) ?? []
  const shape = name === undefined ? path : `/api/clients/{name}${rest}`
  const act = `${req.method} ${shape}` as ActName
  if (!Object.hasOwn(acts, act)) {
    req.resume()
    const known = Object.keys(acts).filter((each) => each.endsWith(` ${shape}`))
    const methods = known.map((each) => each.split(' ')[0])
    const allow = (
      shape === '/api/clients/{name}' || rest !== '' ? methods : ['GET', 'HEAD', ...methods]
    ).join(', ')
    return sendError(res, 405, `${req.method} is not allowed here; use ${allow || 'GET'}`, { allow })
  }
  try {
    const read = await readJsonBody(req, res, sources.clock)
    if ('status' in read) return sendError(res, read.status, read.message)
    const query = queryOf(req)
    if (acts[act].query === 'nothing') readQuery('nothing', query)
    const body = readActBody(act, read.body)
    const ifMatch = revisionIn(req.headers['if-match'])
    const work = doing[act] as (asked: Asked<ActName>, sources: AskedSources) => unknown
    const value = await work({ query, body, name: decoded(name), ifMatch }, sources)
    sendJson(res, acts[act].status, value)
  } catch (error) {
    sendProblem(res, path, error, sources.log)
  }
}

function decoded(part = ''): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new BadParameter('name', 'expected the name of a client')
  }
}

/** Without its quotes; undefined for any revision. */
const revisionIn = (text: string | undefined): string | undefined =>
  text === undefined || text === '*' ? undefined : text.replace(/^"(.*)"$/, '$1')
