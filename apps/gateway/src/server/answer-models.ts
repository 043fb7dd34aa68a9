import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Api } from '@spillway/middleware'
import type { Client } from '../clients/client-directory.ts'
import { targetsRefusal } from '../clients/client-rules.ts'
import { listIn, modelIn } from '../models/model-info.ts'
import type { Models } from '../models/models.ts'
import type { Router } from '../router.ts'
import type { GatewayResponse } from './gateway-response.ts'
import { callerError, refuse } from './refusal.ts'
import { callerFrom } from './tenant.ts'

/** A question about models: all, or the one of this name. */
export interface ModelsAsked {
  readonly id: string | undefined
}

/** Recognises `/v1/models` and `/v1/models/{id}`; names may have slashes, written as they are or encoded. */
export function modelsAsked(path: string): ModelsAsked | undefined {
  const bare = path.replace(/\/$/, '')
  if (bare === '/v1/models') return { id: undefined }
  if (!bare.startsWith('/v1/models/')) return undefined
  const written = bare.slice('/v1/models/'.length)
  try {
    return { id: decodeURIComponent(written) }
  } catch {
    return { id: written }
  }
}

/**
 * The protocol of a client that asks for models, which the path does not tell: Anthropic's SDKs and Claude Code say their
 * version, or present an `x-api-key`; all others are taken for clients of OpenAI's.
 */
export function protocolOf(headers: IncomingHttpHeaders): Api {
  if (Object.keys(headers).some((name) => name.startsWith('anthropic-'))) return 'anthropic'
  if (headers['x-api-key'] !== undefined && headers.authorization === undefined) return 'anthropic'
  return /^(?:anthropic|claude-cli|claude-code)\b/i.test(headers['user-agent'] ?? '') ? 'anthropic' : 'openai'
}

/** Default and maximum page size of Anthropic's API. */
const usualLimit = 20
const largestLimit = 1_000

interface AnsweringModels {
  readonly models: Models
  readonly router: Router
  readonly fingerprint: (key: string) => string
  /** The protocol of the client, where its headers no longer tell. */
  readonly spoken?: Api | undefined
}

/** Answers a question about models in the protocol of its client; one that is limited to some models sees those alone. */
export async function answerModels(
  req: IncomingMessage,
  res: GatewayResponse,
  { id }: ModelsAsked,
  { models, router, fingerprint, spoken }: AnsweringModels,
): Promise<void> {
  const { headers } = req
  const { client } = res
  const mayUse = client === undefined ? () => true : usableBy(client, router)
  const api = spoken ?? protocolOf(headers)
  const asking = {
    caller: callerFrom(headers, fingerprint, client).caller ?? 'nobody',
    credential: credentialOf(headers),
  }
  if (id !== undefined) {
    const model = id.length > 256 || !mayUse(id) ? undefined : await models.one(id, asking)
    if (model !== undefined) return send(res, modelIn(api, model))
    return refuse(res, api, callerError('not_found', `model: ${id.slice(0, 256)}`))
  }
  const query = new URLSearchParams((req.url ?? '').replace(/^[^?]*\??/, '').replace(/#.*$/, ''))
  const limit = query.get('limit') === null ? usualLimit : Number(query.get('limit'))
  const [afterId, beforeId] = [query.get('after_id') ?? undefined, query.get('before_id') ?? undefined]
  if (api === 'anthropic') {
    const problem =
      !Number.isInteger(limit) || limit < 1 || limit > largestLimit
        ? `limit: expected a whole number from 1 to ${largestLimit}`
        : afterId !== undefined && beforeId !== undefined
          ? 'after_id, before_id: only one of them can be given'
          : undefined
    if (problem !== undefined) return refuse(res, api, callerError('invalid_request', problem))
  }
  const served = (await models.list(asking)).filter((model) => mayUse(model.id))
  send(res, listIn(api, served, { limit, afterId, beforeId }))
}

/** By its name, and by the targets that serve it. */
function usableBy(client: Client, router: Router): (model: string) => boolean {
  const { mayUse, mayReach } = client
  return (model) => {
    if (mayUse?.(model) === false) return false
    if (mayReach === undefined) return true
    const route = router(model)
    return !('kind' in route) && targetsRefusal(client, route.targets) === undefined
  }
}

/** What the caller presents: for endpoints that are asked with callers' own keys. */
function credentialOf({ authorization, 'x-api-key': key }: IncomingHttpHeaders): Record<string, string> {
  return {
    ...(authorization !== undefined && { authorization }),
    ...(typeof key === 'string' && { 'x-api-key': key }),
  }
}

function send(res: ServerResponse, value: object): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  // What it says depends on who asks, and in which protocol.
  const headers = { 'content-type': 'application/json', 'cache-control': 'private, no-cache' }
  res.writeHead(200, { ...headers, 'content-length': body.length })
  res.end(body)
}
