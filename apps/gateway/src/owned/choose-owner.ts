import type { Api, Failure } from '@spillway/middleware'
import type { Config } from '../config/config.ts'
import { globMatcher } from '../glob.ts'
import { callerError } from '../server/refusal.ts'
import type { RunningTarget } from '../targets.ts'
import type { OwnedPath } from './owned-path.ts'
import { idsIn } from './owned-path.ts'
import type { Candidate, Owner, Owners } from './owners.ts'
import { notFound } from './ownership.ts'

/** What choosing an endpoint needs. */
export interface Choosing {
  readonly config: Config
  readonly targets: ReadonlyMap<string, RunningTarget>
  readonly owners: Owners
  readonly api: Api
  readonly kind: OwnedPath['kind']
  /** The caller by the name of its key. */
  readonly tenant: string | undefined
  /** Whether a caller may reach nothing but what it has been seen to make. */
  readonly isOwnAlone?: boolean | undefined
  /** The targets that the caller may reach; undefined for all. */
  readonly mayReach?: ((target: string) => boolean) | undefined
  /** `x-spillway-target`. */
  readonly asked: string | undefined
}

/** The endpoints of the targets that speak a protocol themselves, in the order of the routes. */
export function candidatesOf({ config, targets, api, asked, mayReach }: Choosing): readonly Candidate[] {
  const names = new Set(config.routes.flatMap(({ target, fallback }) => [target, ...fallback]))
  return (
    [...names]
      .filter((name) => config.targets[name]?.api === api && (asked === undefined || asked === name))
      .filter((name) => mayReach?.(name) !== false)
      .flatMap((target) => (targets.get(target)?.endpoints ?? []).map((endpoint) => ({ target, endpoint })))
      // Not every cloud that sells Claude has batches and files.
      .filter(({ endpoint }) => endpoint.client !== undefined)
  )
}

/** Batches and files that a request names and whose owners are looked up. */
const mostNamed = 20

/** Where a list is read and something new is made: where what it is made of is, else where its model is served. */
export async function placeOf(beginning: string, choosing: Choosing): Promise<Candidate | Failure> {
  const candidates = candidatesOf(choosing)
  const [first] = candidates
  if (first === undefined) {
    const named = choosing.asked === undefined ? '' : ` called ${choosing.asked.slice(0, 64)}`
    return callerError('not_found', `no target${named} with api: ${choosing.api} has batches and files`, 404)
  }
  const ids = idsIn(beginning).filter(({ field }) => field !== 'custom_id')
  for (const { id } of ids.slice(0, mostNamed)) {
    const owner = await choosing.owners.of(id)
    if (owner !== undefined) return ownedBy(id, owner, choosing)
    if (choosing.isOwnAlone && choosing.kind === 'batches') return unknown(id, true)
  }
  const model = /"model"\s*:\s*"([^"\\]{1,256})"/.exec(beginning)?.[1]
  const route =
    model === undefined ? undefined : choosing.config.routes.find((each) => globMatcher(each.models)(model))
  return candidates.find(({ target }) => target === route?.target) ?? first
}

/** The endpoint that a thing belongs to. */
export function ownedBy(
  id: string,
  owner: Owner,
  { config, targets, tenant, isOwnAlone, mayReach }: Choosing,
): Candidate | Failure {
  if (mayReach?.(owner.target) === false) return unknown(id, true)
  if ((isOwnAlone || owner.tenant !== undefined) && owner.tenant !== tenant) return unknown(id, isOwnAlone)
  const endpoint = targets.get(owner.target)?.endpoints.find(({ name }) => name === owner.endpoint)
  if (endpoint !== undefined && config.targets[owner.target] !== undefined)
    return { target: owner.target, endpoint }
  const message = `${id} was made at the endpoint ${owner.endpoint} of the target ${owner.target}, which the configuration no longer has`
  return callerError('invalid_request', message, 409)
}

/** What is known already, and what is asked with where that is nothing. */
interface Finding {
  readonly known: Owner | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** The same for one that is named by its id: known, or found by asking. */
export async function ownerOf(
  { id = '', kind, api }: OwnedPath,
  choosing: Choosing,
  { known, headers, signal }: Finding,
): Promise<Candidate | Failure> {
  if (known !== undefined) return ownedBy(id, known, choosing)
  if (choosing.isOwnAlone) return unknown(id, true)
  const path =
    kind === 'files'
      ? `/v1/files/${id}`
      : api === 'anthropic'
        ? `/v1/messages/batches/${id}`
        : `/v1/batches/${id}`
  const found = await choosing.owners.find(id, path, { candidates: candidatesOf(choosing), headers, signal })
  if (found === 'unknown') return unknown(id)
  return found === 'silent' ? unasked(id) : found
}

/** It may be there all the same. */
const unasked = (id: string): Failure =>
  callerError(
    'connection',
    `${id}: not every endpoint that may have it has answered; try again, or name its target by x-spillway-target`,
    503,
  )

/** Clients are not told whether there is one. */
const unknown = (id: string, isClients?: boolean): Failure =>
  isClients
    ? notFound({ id, what: /^(?:msg)?batch/.test(id) ? 'batch' : 'file' })
    : callerError(
        'not_found',
        `${id}: none of the endpoints that could be asked has it, with the keys that the gateway has now`,
      )
