import type { Failure } from '@spillway/middleware'
import { fieldOf, type JsonBody } from '@spillway/middleware/kit'
import { firstPartyName } from '@spillway/venues'
import type { RecognisedCall } from '@spillway/wire'
import { sightingsIn } from '@spillway/wire/internal'
import type { OwnedPath } from '../owned/owned-path.ts'
import { callerError } from '../server/refusal.ts'
import { mediaAsked, searchesWeb, toolsAsked } from './asked-features.ts'
import type { Client } from './client-directory.ts'
import { tokensRefusal } from './max-tokens.ts'
import { type Permission, permissionSets, permissions } from './permissions.ts'

/** Whether a client may make calls of this kind at all; found before the body is read. */
export function callRefusal(client: Client, { api, operation }: RecognisedCall): Failure | undefined {
  const [permission, name] = callPermissions[api]
  if (operation !== 'count_tokens') return needs(client, permission, `calls in ${name}`)
  const missing = needs(client, 'call:count_tokens', 'counting tokens')
  return (
    missing ?? (api === 'anthropic' ? undefined : needs(client, permission, `counting tokens in ${name}`))
  )
}

const callPermissions = {
  anthropic: ['call:messages', 'the Messages API'],
  openai: ['call:chat', 'this protocol (chat completions)'],
  responses: ['call:responses', 'this protocol (Responses)'],
} as const satisfies Record<RecognisedCall['api'], readonly [Permission, string]>

/** Whether a client may ask which models there are. */
export const modelsRefusal = (client: Client): Failure | undefined =>
  needs(client, 'models', 'the list of models')

/** What a call asks for, beside its body. */
export interface AskedCall {
  /** As the caller has written it, and as targets know it. */
  readonly asked: string
  readonly model: string
  readonly operation: RecognisedCall['operation']
  /** The targets that its route may lead to; undefined where that is not known. */
  readonly targets?: readonly string[] | undefined
}

/** Whether a client may make this call. */
export function contentRefusal(client: Client, body: JsonBody, call: AskedCall): Failure | undefined {
  const { maxTokens, name } = client
  return (
    targetsRefusal(client, call.targets) ??
    modelRefusal(client, body, call) ??
    featureRefusal(client, body, call) ??
    (maxTokens === undefined || call.operation !== 'generate'
      ? undefined
      : barred(tokensRefusal(name, maxTokens, body)))
  )
}

/** Whether a client may be served by all of these targets: where one is a fallback, it may be the one that answers. */
export function targetsRefusal(client: Client, targets: readonly string[] = []): Failure | undefined {
  const { mayReach, name } = client
  const refused = mayReach === undefined ? undefined : targets.find((target) => !mayReach(target))
  if (refused === undefined) return undefined
  return denied(
    `this call may be answered by the target ${refused}, which is not allowed for ${name}; allowed: ${shortList(client.targets)}`,
  )
}

function modelRefusal(client: Client, body: JsonBody, { asked, model }: AskedCall): Failure | undefined {
  const { mayUse, name } = client
  if (mayUse === undefined) return undefined
  if (isGiven(fieldOf(body, 'prompt')))
    return denied(`prompt: ${name} is limited by models, and a stored prompt may name another model`)
  const others = modelsBeside(body).filter((each) => !mayUse(each) && !mayUse(firstPartyName(each)))
  const refused = mayUse(asked) || mayUse(model) ? others[0] : asked
  if (refused === undefined) return undefined
  return denied(
    `the model ${refused.slice(0, 256)} is not allowed for ${name}; allowed: ${shortList(client.models)}`,
  )
}

const toolPermissions = permissionSets.tools ?? []

/** Clients that may all of it, as most, do not have their calls looked at. */
function featureRefusal(client: Client, body: JsonBody, call: AskedCall): Failure | undefined {
  const { permissions: given } = client
  const asked = [
    ...(toolPermissions.every((each) => given.has(each)) || call.operation !== 'generate'
      ? []
      : [
          ...toolsAsked(body),
          ...(searchesWeb(call.asked)
            ? [{ permission: 'tools:web', what: 'models that search the web' } as const]
            : []),
        ]),
    ...(given.has('images') && given.has('documents') ? [] : mediaAsked(body)),
  ]
  const missing = asked.find(({ permission }) => !given.has(permission))
  return missing && needs(client, missing.permission, `calls with ${missing.what}`)
}

/** Whether a client may do this with batches and files. */
export function ownedRefusal(client: Client, { kind, id }: OwnedPath, method = 'GET'): Failure | undefined {
  const missing = needs(client, kind, kind)
  if (missing !== undefined || kind === 'files' || id !== undefined || method !== 'POST') return missing
  // What is in a batch passes without being held, and may be in a file.
  const limit =
    client.mayUse !== undefined
      ? 'models'
      : client.maxTokens !== undefined
        ? 'maxTokens'
        : client.budgets?.some(({ hard, unit }) => hard && unit !== 'requests')
          ? 'a hard budget'
          : undefined
  return limit === undefined
    ? undefined
    : denied(
        `${client.name} is limited by ${limit}, which is not enforced inside batches, so it cannot make any`,
      )
}

/** What a client is told that may not, and how its operator changes that. */
export function needs(client: Client, permission: Permission, what: string): Failure | undefined {
  const { permissions: held, name, given = [] } = client
  if (held.has(permission)) return undefined
  const set = Object.keys(permissionSets).find((each) => each === permission.split(':')[0])
  const all = [
    ...given.filter((each) => Object.hasOwn(permissions, each) || Object.hasOwn(permissionSets, each)),
  ]
  // Who signs in has no key, and a name that no client with one has.
  const how = /[@:]/.test(name)
    ? 'server.oidc of the gateway gives it, to a group or a person'
    : `"spillway clients set ${name} --permissions ${[...all, permission].join(',')}" gives it`
  const wider = set === undefined ? '' : ` (${set} has it, too)`
  return denied(`${name} lacks the permission ${permission}, which ${what} need; ${how}${wider}`)
}

const denied = (message: string): Failure => callerError('permission', message, 403)

const barred = (message: string | undefined): Failure | undefined =>
  message === undefined ? undefined : denied(message)

const shortList = (names: readonly string[] = []): string => names.join(', ').slice(0, 400) || 'none'

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

/** Vendors' fields that name models to ask instead, or beside. */
const namingFields = ['fallbacks', 'models', 'tools', 'plugins'] as const

function modelsBeside(body: JsonBody): readonly string[] {
  const tools = sightingsIn(body)?.tools
  return namingFields.flatMap((field) =>
    field === 'tools' && (tools === 'plain' || tools === 'none')
      ? []
      : namesIn(fieldOf(body, field), field === 'models' || field === 'fallbacks'),
  )
}

function namesIn(value: unknown, isList: boolean): readonly string[] {
  return [value].flat().flatMap((each): readonly string[] => {
    if (typeof each === 'string') return isList ? [each] : []
    if (typeof each !== 'object' || each === null) return []
    const { model, models } = each as { model?: unknown; models?: unknown }
    return [model, models].flat().filter((name): name is string => typeof name === 'string')
  })
}
