import { type Failure, fieldOf, type JsonBody } from '@spillway/middleware'
import { firstPartyName } from '@spillway/venues'
import type { RecognisedCall } from '@spillway/wire'
import type { OwnedPath } from '../owned/owned-path.ts'
import { callersFault } from '../server/refusal.ts'
import type { Client } from './client-directory.ts'
import type { Permission } from './permissions.ts'

/** Whether a client may make calls of this kind at all; found before the body is read. */
export function callRefusal(client: Client, { api }: RecognisedCall): Failure | undefined {
  if (client.permissions.has('chat')) return undefined
  if (api === 'anthropic') return needs(client, 'messages', 'calls in the Messages API')
  return needs(
    client,
    'chat',
    `calls in this protocol (${api === 'openai' ? 'chat completions' : 'Responses'})`,
  )
}

/** What a call asks for, beside its body. */
export interface AskedCall {
  /** As the caller has written it, and as targets know it. */
  readonly asked: string
  readonly model: string
  readonly operation: RecognisedCall['operation']
}

/** Whether a client may make this call. */
export function contentRefusal(client: Client, body: JsonBody, call: AskedCall): Failure | undefined {
  const { mayUse, maxTokens, name } = client
  const { asked, model, operation } = call
  if (mayUse !== undefined) {
    const others = modelsBeside(body).filter((each) => !mayUse(each) && !mayUse(firstPartyName(each)))
    const refused = mayUse(asked) || mayUse(model) ? others[0] : asked
    if (refused !== undefined) {
      const allowed = (client.models ?? []).join(', ').slice(0, 400)
      return denied(
        `the model ${refused.slice(0, 256)} is not allowed for ${name}; allowed: ${allowed || 'none'}`,
      )
    }
  }
  if (operation !== 'generate') return undefined
  if (!client.permissions.has('tools') && bringsTools(body))
    return needs(client, 'tools', 'calls that bring tools')
  return maxTokens === undefined ? undefined : tokensRefusal(name, maxTokens, body)
}

/** Whether a client may do this with batches and files. */
export function ownedRefusal(client: Client, { kind, id }: OwnedPath, method = 'GET'): Failure | undefined {
  const missing = needs(client, kind, kind)
  if (missing !== undefined || kind === 'files' || id !== undefined || method !== 'POST') return missing
  // What is in a batch passes without being held, and may be in a file.
  const limit =
    client.mayUse !== undefined ? 'models' : client.maxTokens !== undefined ? 'maxTokens' : undefined
  return limit === undefined
    ? undefined
    : denied(
        `${client.name} is limited by ${limit}, which is not enforced inside batches, so it cannot make any`,
      )
}

function needs({ permissions, name }: Client, permission: Permission, what: string): Failure | undefined {
  if (permissions.has(permission)) return undefined
  return denied(`${name} lacks the permission ${permission}, which ${what} need`)
}

const denied = (message: string): Failure => callersFault('permission', message, 403)

/** Vendors' fields that name models to ask instead, or beside. */
const namingFields = ['fallbacks', 'models', 'tools', 'plugins'] as const

function modelsBeside(body: JsonBody): readonly string[] {
  return namingFields.flatMap((field) =>
    namesIn(fieldOf(body, field), field === 'models' || field === 'fallbacks'),
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

function bringsTools(body: JsonBody): boolean {
  return ['tools', 'functions', 'mcp_servers'].some((field) => {
    const value = fieldOf(body, field)
    return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
  })
}

function tokensRefusal(name: string, most: number, body: JsonBody): Failure | undefined {
  const given = (['max_tokens', 'max_completion_tokens', 'max_output_tokens'] as const)
    .map((field) => [field, fieldOf(body, field)] as const)
    .filter(([, value]) => value !== undefined && value !== null)
  if (given.length === 0)
    return denied(`max_tokens is missing: ${name} may ask for at most ${most}, and has to say so`)
  const [field] = given.find(([, value]) => typeof value !== 'number' || value > most) ?? []
  return field === undefined ? undefined : denied(`${field}: ${name} may ask for at most ${most}`)
}
