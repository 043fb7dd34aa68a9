import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Audit } from '@spillway/gateway-api'
import type { Client } from '../clients/client-directory.ts'
import { readJsonBody } from '../operators/json-body.ts'
import { readCapChange } from './cap-request.ts'
import type { Cap } from './caps.ts'
import { limitOf, limitProblem, readEffectiveQuery } from './list-query.ts'
import type { Changed, SpendLimits } from './spend-limits.ts'

/** Where Anthropic's Admin API has them. */
export const spendLimitsPath = '/v1/organizations/spend_limits'

export const isOfSpendLimits = (path: string): boolean =>
  path === spendLimitsPath || path.startsWith(`${spendLimitsPath}/`)

/** What answers requests of administrators. */
export interface SpendLimitsApi {
  readonly limits: SpendLimits
  /** Entries of the audit log, the newest first; undefined where none is kept. */
  readonly audit: ((limit: number, before: number | undefined) => Promise<Audit>) | undefined
  /** Notes a change in the audit log. */
  readonly note: (actor: string, action: string, details: Readonly<Record<string, unknown>>) => void
}

type ErrorType = 'invalid_request_error' | 'permission_error' | 'not_found_error' | 'api_error'

/** An answer, before it is written. */
type Answer = readonly [status: number, body: object]

const failed = (status: number, type: ErrorType, message: string): Answer => [
  status,
  { type: 'error', error: { type, message } },
]
const invalid = (message: string): Answer => failed(400, 'invalid_request_error', message)
const notFound = (message = 'spend limit not found'): Answer => failed(404, 'not_found_error', message)

/**
 * Answers requests about spend limits as Anthropic's own gateway does, so that what was written for its Admin API reaches this gateway by
 * another base URL.
 * @param path without the query
 */
export async function answerSpendLimits(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  api: SpendLimitsApi & { readonly client: Client },
): Promise<void> {
  const requestId = `req_${crypto.randomUUID().replaceAll('-', '')}`
  const [status, body] = await answerTo(req, res, path, api)
  const shown = 'error' in body ? { ...body, request_id: requestId } : body
  const bytes = Buffer.from(JSON.stringify(shown))
  res.writeHead(status, {
    ...{ 'content-type': 'application/json', 'content-length': bytes.length, 'cache-control': 'no-store' },
    'request-id': requestId,
    ...(status === 405 && { allow: 'GET, POST, DELETE' }),
  })
  res.end(bytes)
  req.resume()
}

async function answerTo(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  api: SpendLimitsApi & { readonly client: Client },
): Promise<Answer> {
  const { method = 'GET' } = req
  const { permissions, name } = api.client
  const isRead = method === 'GET'
  if (!permissions.has('admin:write') && !(isRead && permissions.has('admin:read')))
    return failed(
      403,
      'permission_error',
      `${name} lacks the permission ${isRead ? 'admin:read' : 'admin:write'}`,
    )
  const query = new URLSearchParams(/\?([^#]*)/.exec(req.url ?? '')?.[1])
  const rest = path.slice(spendLimitsPath.length)
  if (rest === '' && method === 'POST') {
    const read = await readJsonBody(req, res)
    if ('status' in read) return failed(read.status, 'invalid_request_error', read.message)
    return set(read.body, api)
  }
  if (rest === '' && isRead) return list(query, api)
  if (rest === '/effective' && isRead) return effective(query, api)
  if (rest === '/audit' && isRead) return audit(query, api)
  const [, id] = /^\/(spl_[0-9a-f]{32})$/.exec(rest) ?? []
  if (id === undefined) return notFound()
  if (isRead) {
    const cap = (await api.limits.list()).find((each) => each.id === id)
    return cap === undefined ? notFound() : [200, (await api.limits.shown([cap]))[0] as object]
  }
  if (method !== 'DELETE') return failed(405, 'invalid_request_error', `${method} is not allowed here`)
  const changed = await api.limits.remove(id)
  if (changed === undefined) return notFound()
  noteChange(api, 'spend_limit.delete', id, changed)
  return [200, { type: 'spend_limit_deleted', id }]
}

async function set(
  body: Readonly<Record<string, unknown>>,
  api: SpendLimitsApi & { readonly client: Client },
): Promise<Answer> {
  const change = readCapChange(body)
  if (typeof change === 'string') return invalid(change)
  const changed = await api.limits.set(change)
  if (changed?.after === undefined)
    return invalid(
      `scope.user_id: there is no client of this name: GET ${spendLimitsPath}/effective lists those there are`,
    )
  noteChange(api, 'spend_limit.upsert', changed.after.id, changed)
  return [200, (await api.limits.shown([changed.after]))[0] as object]
}

async function list(query: URLSearchParams, { limits }: SpendLimitsApi): Promise<Answer> {
  const limit = limitOf(query, 20)
  if (limit === undefined) return invalid(limitProblem)
  const type = query.get('scope_type')
  if (type !== null && !['organization', 'rbac_group', 'user'].includes(type))
    return invalid('scope_type: must be one of organization, rbac_group, user')
  const [after, before] = [query.get('after_id'), query.get('before_id')]
  if (after !== null && before !== null) return invalid('after_id and before_id are mutually exclusive')
  const caps = await limits.list()
  const cursor = after ?? before
  const place = caps.findIndex(({ id }) => id === cursor)
  if (cursor !== null && place === -1)
    return invalid(`${after === null ? 'before_id' : 'after_id'}: no spend limit with this id`)
  const isOfType = ({ scope }: Cap): boolean => type === null || scope.type === type
  const found = (before === null ? caps.slice(place + 1) : caps.slice(0, place)).filter(isOfType)
  const page = before === null ? found.slice(0, limit) : found.slice(-limit)
  return [
    200,
    {
      data: await limits.shown(page),
      has_more: found.length > limit,
      first_id: page[0]?.id ?? null,
      last_id: page.at(-1)?.id ?? null,
    },
  ]
}

async function effective(query: URLSearchParams, { limits }: SpendLimitsApi): Promise<Answer> {
  const asked = readEffectiveQuery(query)
  if (typeof asked === 'string') return invalid(asked)
  const { data, next } = await limits.effective(asked)
  return [200, { data, next_page: next }]
}

async function audit(query: URLSearchParams, { audit: read }: SpendLimitsApi): Promise<Answer> {
  const limit = limitOf(query, 100)
  if (limit === undefined) return invalid(limitProblem)
  const after = query.get('after_id')
  if (after !== null && !/^\d{1,15}$/.test(after)) return invalid('after_id: must be an audit event id')
  if (read === undefined)
    return failed(400, 'invalid_request_error', 'the gateway keeps no audit log: set storage')
  const { entries, next } = await read(limit, after === null ? undefined : Number(after))
  return [
    200,
    {
      data: entries.map(({ sequence, at, actor, action, subject, details }) => ({
        ...{ type: 'spend_limit_audit_event', id: sequence, at: new Date(at).toISOString() },
        ...{ actor, action, target: subject },
        before: details.before ?? null,
        after: details.after ?? null,
      })),
      has_more: next !== undefined,
    },
  ]
}

function noteChange(
  { client, note }: SpendLimitsApi & { readonly client: Client },
  action: string,
  id: string,
  { before, after }: Changed,
): void {
  note(client.name, action, { subject: id, before: noted(before), after: noted(after) })
}

const noted = (cap: Cap | undefined): object | null =>
  cap === undefined
    ? null
    : { scope: cap.scope, period: cap.period, amount: cap.amount, pooled: cap.pooled ?? null }
