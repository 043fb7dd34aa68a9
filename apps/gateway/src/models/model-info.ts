import type { Api } from '@spillway/middleware'
import { isObject, objectsOf } from '@spillway/wire/internal'

/** A model as clients are told of it. */
export interface ModelInfo {
  readonly id: string
  readonly displayName: string
  /** Seconds since the Unix epoch; 0 where unknown. */
  readonly created: number
  readonly ownedBy: string
  /** As its vendor tells of it, for clients of the same protocol. */
  readonly raw?: { readonly api: Api; readonly fields: Readonly<Record<string, unknown>> } | undefined
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Characters of a name, as calls may have them. */
const longestName = 256

/** Of what a date can be. */
const lastSecond = 8_640_000_000_000

/** A model of which nothing but the name is known. */
export function nameOnly(id: string, ownedBy: string): ModelInfo {
  return { id, displayName: id, created: 0, ownedBy }
}

/** What a vendor says of one of its models, in either protocol; undefined for what names none. */
export function readModel(value: unknown, ownedBy: string): ModelInfo | undefined {
  if (!isObject(value)) return undefined
  const id = text(value.id)
  if (id === undefined || id === '' || id.length > longestName) return undefined
  const isAnthropic = value.type === 'model'
  const written = text(value.created_at)
  const at = written === undefined ? Number.NaN : Date.parse(written) / 1_000
  const created = typeof value.created === 'number' ? value.created : at
  return {
    id,
    displayName: text(value.display_name) ?? text(value.name) ?? id,
    created: created >= 0 && created <= lastSecond ? Math.floor(created) : 0,
    ownedBy: text(value.owned_by) ?? ownedBy,
    raw: { api: isAnthropic ? 'anthropic' : 'openai', fields: value },
  }
}

/** One page of a vendor's list, and where the next one begins; undefined for what is no list. */
export function readModels(
  value: unknown,
  ownedBy: string,
): { readonly models: readonly ModelInfo[]; readonly after: string | undefined } | undefined {
  if (!isObject(value) || !Array.isArray(value.data)) return undefined
  const models = objectsOf(value.data).flatMap((each) => readModel(each, ownedBy) ?? [])
  return { models, after: value.has_more === true ? text(value.last_id) : undefined }
}

/** A model as a client of a protocol gets it. What its vendor says of it in that protocol stays as it is. */
export function modelIn(api: Api, { id, displayName, created, ownedBy, raw }: ModelInfo): object {
  const own = raw?.api === api ? raw.fields : {}
  if (api !== 'anthropic') return { ...own, id, object: 'model', created, owned_by: ownedBy }
  const createdAt = `${new Date(created * 1_000).toISOString().slice(0, 19)}Z`
  return { created_at: createdAt, ...own, type: 'model', id, display_name: displayName }
}

/** Which part of a list Anthropic's clients ask for. */
export interface Page {
  readonly limit: number
  readonly afterId?: string | undefined
  readonly beforeId?: string | undefined
}

/**
 * The list as a client of a protocol gets it: OpenAI's whole, Anthropic's by pages.
 */
export function listIn(api: Api, models: readonly ModelInfo[], { limit, afterId, beforeId }: Page): object {
  if (api !== 'anthropic') return { object: 'list', data: models.map((model) => modelIn(api, model)) }
  const after = afterId === undefined ? 0 : models.findIndex(({ id }) => id === afterId) + 1
  const found = beforeId === undefined ? models.length : models.findIndex(({ id }) => id === beforeId)
  const before = found < 0 ? models.length : found
  const isBackwards = beforeId !== undefined
  const start = isBackwards ? Math.max(0, before - limit) : after
  const end = isBackwards ? before : Math.min(models.length, after + limit)
  const page = models.slice(start, end)
  return {
    data: page.map((model) => modelIn(api, model)),
    has_more: isBackwards ? start > 0 : end < models.length,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  }
}
