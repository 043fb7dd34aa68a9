import type { Api } from '@spillway/middleware'

/** A request about batches or files, which belong to the key that made them. */
export interface OwnedPath {
  /** Undefined for files, whose path is the same in both protocols. */
  readonly api: Api | undefined
  readonly kind: 'batches' | 'files'
  /** Undefined for the list, and for one that is being made. */
  readonly id: string | undefined
  readonly action: string | undefined
  /** The methods that it takes. */
  readonly methods: readonly string[]
}

const forms: readonly (readonly [prefix: string, api: Api | undefined, kind: OwnedPath['kind']])[] = [
  ['/v1/messages/batches', 'anthropic', 'batches'],
  ['/v1/batches', 'openai', 'batches'],
  ['/v1/files', undefined, 'files'],
]

const actions: Readonly<Record<string, string>> = { results: 'GET', content: 'GET', cancel: 'POST' }

/** Recognises `/v1/messages/batches*`, `/v1/batches*` and `/v1/files*`. */
export function ownedPath(path: string): OwnedPath | undefined {
  for (const [prefix, api, kind] of forms) {
    if (path === prefix) return { api, kind, id: undefined, action: undefined, methods: ['GET', 'POST'] }
    if (!path.startsWith(`${prefix}/`)) continue
    const [id = '', action, ...more] = path.slice(prefix.length + 1).split('/')
    if (more.length > 0 || !/^[\w-]{1,128}$/.test(id)) return undefined
    if (action === undefined) return { api, kind, id, action, methods: ['GET', 'DELETE'] }
    const method = Object.hasOwn(actions, action) ? actions[action] : undefined
    return method === undefined ? undefined : { api, kind, id, action, methods: [method] }
  }
  return undefined
}

/** Ids of batches and files in a JSON text of either vendor, with the fields that hold them. */
export function idsIn(text: string): readonly { readonly field: string; readonly id: string }[] {
  const found = text.matchAll(/"(\w*id)"\s*:\s*"((?:msgbatch|batch|file)[_-][\w-]{1,120})"/g)
  return [...found].map(([, field = '', id = '']) => ({ field, id }))
}
