import type { Api, Failure, ResponseBody } from '@spillway/middleware'
import { fieldOf, type JsonBody } from '@spillway/middleware/kit'
import { sightingsIn } from '@spillway/wire/internal'
import type { Config } from '../config/config.ts'
import { callerError } from '../server/refusal.ts'
import { type MadeIds, madeIds } from './made-ids.ts'
import { mostNamed, type NamedId, namedIds } from './named-ids.ts'
import type { Owner, Owners } from './owners.ts'

/** What happens to ids that no client was seen to make. */
export type UnknownIds = 'refuse' | 'pass'

/** Keeps clients that share a vendor's key from each other's stored things. */
export interface Ownership {
  /**
   * Whether a client may name what its call names: what it has made through this gateway. Undefined at once where it names nothing.
   */
  refusal(body: JsonBody, api: Api, client: string): Promise<Failure | undefined> | undefined
  /** An answer, from which is learned while it passes what its client has made. The same one where nothing can be learned. */
  learning(answer: ResponseBody, body: JsonBody, made: MadeAnswer): ResponseBody
}

/** An answer that a client gets, and where it is from. */
export interface MadeAnswer {
  readonly api: Api
  readonly isStream: boolean
  readonly owner: Owner
}

export function ownershipOf(owners: Pick<Owners, 'of' | 'learn'>, config: () => Config): Ownership {
  return {
    refusal(body, api, client) {
      const named = namedIds(body, api)
      return named.length === 0 ? undefined : refusalOf(named, client)
    },
    learning(answer, body, { api, isStream, owner }) {
      if (!leavesSomething(body, api, config().targets[owner.target]?.api)) return answer
      return heard(
        answer,
        madeIds(isStream, (id) => owners.learn(id, owner)),
      )
    },
  }

  async function refusalOf(named: readonly NamedId[], client: string): Promise<Failure | undefined> {
    if (named.length > mostNamed)
      return callerError('invalid_request', `the call names more than ${mostNamed} stored files and items`)
    for (const each of new Map(named.map((one) => [one.id, one])).values()) {
      const refused = await isRefused(owners, each.id, client, unknownIdsOf(config()))
      if (refused) return notFound(each)
    }
    return undefined
  }
}

/** Another client's is refused, whatever is configured. */
export async function isRefused(
  owners: Pick<Owners, 'of'>,
  id: string,
  client: string,
  unknownIds: UnknownIds,
): Promise<boolean> {
  const owner = await owners.of(id)
  return owner?.tenant === undefined ? unknownIds === 'refuse' : owner.tenant !== client
}

/** As vendors say it: with the same words for what is another's and for what is nowhere. */
export function notFound({ id, what }: NamedId): Failure {
  const named = id.slice(0, 128)
  const why = 'this client was not seen to make it through this gateway (server.unknownIds)'
  switch (what) {
    case 'file':
      return callerError('not_found', `File not found: ${named}; ${why}`, 404)
    case 'batch':
      return callerError('not_found', `Batch not found: ${named}; ${why}`, 404)
    case 'response':
      return callerError('invalid_request', `Previous response with id '${named}' not found; ${why}`, 400)
    default:
      return callerError(
        'not_found',
        `${what[0]?.toUpperCase()}${what.slice(1)} with id '${named}' not found; ${why}`,
        404,
      )
  }
}

export const unknownIdsOf = ({ server }: Pick<Config, 'server'>): UnknownIds => server.unknownIds ?? 'refuse'

/** Whether an answer may name something that later calls name: stored responses, and what code has left in its container. */
function leavesSomething(body: JsonBody, api: Api, target: string | undefined): boolean {
  if (api === 'responses') return target === 'openai' && fieldOf(body, 'store') !== false
  if (api !== 'anthropic' || target !== 'anthropic') return false
  const tools = sightingsIn(body)?.tools
  if (tools === 'plain' || tools === 'none') return false
  return [fieldOf(body, 'tools')]
    .flat()
    .some((tool) => /^code_execution/.test(String((tool as { type?: unknown } | null)?.type)))
}

function heard(body: ResponseBody, ids: MadeIds): ResponseBody {
  return {
    pipe: (sink) =>
      body.pipe({
        write(chunk) {
          ids.push(chunk)
          return sink.write(chunk)
        },
        end() {
          ids.end()
          sink.end()
        },
        fail(error) {
          ids.end()
          sink.fail(error)
        },
      }),
    resume: () => body.resume(),
    cancel: (reason) => body.cancel(reason),
    async *[Symbol.asyncIterator]() {
      for await (const chunk of body) {
        ids.push(chunk)
        yield chunk
      }
      ids.end()
    },
  }
}
