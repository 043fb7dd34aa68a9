import { newClientKey } from '../../../gateway/src/clients/client-key.ts'
import type { Permission } from '../../../gateway/src/clients/permissions.ts'
import { type Dice, weights } from '../fuzz/dice.ts'
import type { KnownClient, KnownKey, Made, World } from './world.ts'
import { oddlyWritten } from './writing.ts'

/** What is asked, and what has to come of it where the key admits its client. */
export interface Action {
  readonly kind: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | FormData | undefined
  /** All that it needs; the first that is missing may be named. */
  readonly needs: readonly Permission[]
  /** Whether it names what is not its client's. */
  readonly isStrange: boolean
  /** Whether it is refused by a limit of its client: models, maxTokens, targets. */
  readonly isBeyond: boolean
  /** Whether it is a call that budgets count. */
  readonly isCall: boolean
  /** Reads ids that were made from the answer. */
  readonly makes?: (json: Json, text: string) => readonly (readonly [Made, string])[]
  /** The answer is a list of what the client has made. */
  readonly lists?: Made
  readonly deletes?: string
  /** What it names of what clients have made. */
  readonly names?: string
  readonly stream: boolean
}

type Json = Readonly<Record<string, unknown>>

/** What a request presents, and what becomes of it. */
export interface Presented {
  readonly kind: string
  readonly headers: Readonly<Record<string, string>>
  readonly query: string
  /** The key of a client by which it may be admitted; undefined where nothing that is presented may admit it. */
  readonly key: KnownKey | undefined
  /** Whose key that is. */
  readonly owner: KnownClient
}

export const markerOf = (client: string, index: number): string => `qZ7m-${client}-${index}z`
export const markers: RegExp = /qZ7m-(client-\d+)-(\d+)z/g

const ways = weights<string>([
  [80, 'own'],
  [6, 'old'],
  [3, 'of a revoked client'],
  [2, 'none'],
  [2, 'mistyped'],
  [2, 'made up'],
  [1, "another vendor's"],
  [1, 'in the query'],
  [1, 'in a cookie'],
  [1, 'for a proxy'],
  [1, 'of Google'],
])

/** A key of the client, or a wrong one, or a right one in a wrong place. */
export function present(client: KnownClient, world: World, dice: Dice): Presented {
  const kind = dice.weighted(ways)
  const newest = client.keys.at(-1) as KnownKey
  const send = (key: string): Record<string, string> =>
    dice.pick<Record<string, string>>([
      { 'x-api-key': key },
      { authorization: `Bearer ${key}` },
      { authorization: `Bearer ${key}`, 'x-api-key': 'sk-ant-of-another' },
      { 'api-key': key },
    ])
  const none = { kind, query: '', key: undefined, owner: client }
  switch (kind) {
    case 'own':
      return { kind, headers: send(newest.key), query: '', key: newest, owner: client }
    case 'old': {
      const old = dice.pick(client.keys)
      return { kind, headers: send(old.key), query: '', key: old, owner: client }
    }
    case 'of a revoked client': {
      if (world.gone.length === 0) return { ...none, headers: {} }
      const owner = dice.pick(world.gone)
      const gone = dice.pick(owner.keys)
      return { kind, headers: send(gone.key), query: '', key: gone, owner }
    }
    case 'mistyped': {
      const at = dice.between(3, newest.key.length - 1)
      const other = newest.key[at] === 'A' ? 'B' : 'A'
      return { ...none, headers: send(newest.key.slice(0, at) + other + newest.key.slice(at + 1)) }
    }
    case 'made up':
      return { ...none, headers: send(newClientKey()) }
    case "another vendor's":
      return { ...none, headers: send('sk-ant-api03-qZ7other') }
    case 'in the query':
      return { ...none, headers: dice.chance(0.5) ? send(newest.key) : {}, query: `?key=${newest.key}` }
    case 'in a cookie':
      return { ...none, headers: { cookie: `key=${newest.key}` } }
    case 'for a proxy':
      return { ...none, headers: { 'proxy-authorization': `Bearer ${newest.key}` } }
    case 'of Google':
      return { ...none, headers: { 'x-goog-api-key': newest.key } }
    default:
      return { ...none, headers: {} }
  }
}

const forms = weights<(asking: Asking) => Action>([
  [30, messages],
  [5, counting],
  [14, chat],
  [14, responses],
  [8, upload],
  [5, files],
  [5, batch],
  [5, batches],
  [2, models],
])

interface Asking {
  readonly client: KnownClient
  readonly world: World
  readonly dice: Dice
  readonly marker: string
}

export function actionOf(asking: Asking): Action {
  return asking.dice.weighted(forms)(asking)
}

const nothing = {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
  body: undefined,
  ...{ needs: [], isStrange: false, isBeyond: false, isCall: false, stream: false },
} as const

/** An id of the client's own, of another one's, or of nobody's. */
function someId(
  { client, world, dice }: Asking,
  kind: Made,
): { readonly id: string; readonly isStrange: boolean } {
  const way = dice.next()
  const own = client.made[kind]
  if (way < 0.5 && own.length > 0) return { id: dice.pick(own), isStrange: false }
  const others = [...world.clients, ...world.gone].filter(
    (each) => each !== client && each.made[kind].length > 0,
  )
  if (way < 0.95 && others.length > 0) return { id: dice.pick(dice.pick(others).made[kind]), isStrange: true }
  const start = { file: 'file', batch: 'msgbatch', response: 'resp', container: 'container' }[kind]
  return { id: `${start}_01ofnobody${dice.int(1_000)}`, isStrange: true }
}

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } }
const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } }
const own = { name: 'look_up', description: 'Looks it up.', input_schema: { type: 'object' } }

type Feature = readonly [Permission, Json]

const featuresOfMessages: readonly Feature[] = [
  ['images', { block: image }],
  ['images', { block: { type: 'tool_result', tool_use_id: 'toolu_1', content: [image] }, isResult: true }],
  ['documents', { block: pdf }],
  ['tools:client', { tools: [own] }],
  ['tools:client', { tools: [{ type: 'bash_20250124', name: 'bash' }] }],
  ['tools:web', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
  ['tools:web', { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }],
  ['tools:code', { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] }],
  ['tools:hosted', { tools: [{ type: 'unheard_of_20300101', name: 'unheard_of' }] }],
  ['tools:mcp', { mcp_servers: [{ type: 'url', url: 'https://mcp.example.com', name: 'a' }] }],
]

const modelsAsked = ['claude-sonnet-5-5', 'claude-haiku-5-5']

function limitsOf({ settings }: KnownClient, model: string, maxTokens: number, target: string): boolean {
  const isModel = settings.models === undefined || model.startsWith('claude-haiku-')
  const isShort = settings.maxTokens === undefined || maxTokens <= settings.maxTokens
  return !isModel || !isShort || (settings.targets !== undefined && !settings.targets.includes(target))
}

function messages(asking: Asking): Action {
  const { client, dice, marker } = asking
  const model = dice.pick(modelsAsked)
  const max_tokens = dice.pick([20, 40, 90])
  const stream = dice.chance(0.4)
  const needs: Permission[] = ['call:messages']
  const content: unknown[] = [{ type: 'text', text: `Say it: ${marker}` }]
  let more: Json = {}
  let isStrange = false
  let names: string | undefined
  let kind = 'messages'
  const history: unknown[] = []
  const way = dice.next()
  if (way < 0.3) {
    const [permission, { block, isResult, ...fields }] = dice.pick(featuresOfMessages)
    needs.push(permission)
    kind += ` with ${permission}`
    more = fields
    if (isResult === true) {
      history.push({ role: 'user', content: 'Look.' })
      history.push({
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'toolu_1', name: 'look_up', input: {} }],
      })
      content.unshift(block)
    } else if (block !== undefined) content.push(block)
  } else if (way < 0.5) {
    const file = someId(asking, 'file')
    needs.push('documents')
    kind += file.isStrange ? " with another's file" : ' with a file'
    isStrange = file.isStrange
    names = file.id
    content.push({ type: 'document', source: { type: 'file', file_id: file.id } })
  } else if (way < 0.6) {
    const container = someId(asking, 'container')
    needs.push('tools:code')
    kind += container.isStrange ? " in another's container" : ' in a container'
    isStrange = container.isStrange
    more = {
      container: dice.chance(0.5) ? container.id : { id: container.id },
      tools: [{ type: 'code_execution_20250825', name: 'code_execution' }],
    }
  }
  const isCode = Array.isArray(more.tools) && JSON.stringify(more.tools).includes('code_execution')
  const body = { model, max_tokens, stream, messages: [...history, { role: 'user', content }], ...more }
  return {
    ...nothing,
    ...{ kind, path: dice.chance(0.3) ? '/v1/messages?beta=true' : '/v1/messages', needs, isStrange, stream },
    ...(names !== undefined && { names }),
    body: oddlyWritten(body, dice),
    isBeyond: limitsOf(client, model, max_tokens, 'claude'),
    isCall: true,
    makes: (_, text) =>
      isCode
        ? [...text.matchAll(/"container":\{"id":"(container_\w+)"/g)].map(
            ([, id = '']) => ['container', id] as const,
          )
        : [],
  }
}

function counting({ client, dice, marker }: Asking): Action {
  const model = dice.pick(modelsAsked)
  const body = { model, messages: [{ role: 'user', content: marker }] }
  return {
    ...nothing,
    ...{ kind: 'count_tokens', path: '/v1/messages/count_tokens', needs: ['call:count_tokens'] },
    body: oddlyWritten(body, dice),
    isBeyond: limitsOf(client, model, 0, 'claude'),
  }
}

function chat({ client, dice, marker }: Asking): Action {
  const max = dice.pick([20, 40, 90])
  const stream = dice.chance(0.4)
  const needs: Permission[] = ['call:chat']
  const content: unknown[] = [{ type: 'text', text: marker }]
  let more: Json = {}
  const way = dice.next()
  if (way < 0.15) {
    needs.push('tools:client')
    more = { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'object' } } }] }
  } else if (way < 0.3) {
    needs.push('images')
    content.push({ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } })
  }
  const body = {
    model: 'gpt-6',
    max_completion_tokens: max,
    stream,
    messages: [{ role: 'user', content }],
    ...more,
  }
  return {
    ...nothing,
    ...{
      kind: `chat${needs[1] === undefined ? '' : ` with ${needs[1]}`}`,
      path: '/v1/chat/completions',
      needs,
      stream,
    },
    body: oddlyWritten(body, dice),
    isBeyond: limitsOf(client, 'gpt-6', max, 'openai'),
    isCall: true,
  }
}

function responses(asking: Asking): Action {
  const { client, dice, marker } = asking
  const max = dice.pick([20, 40, 90])
  const stream = dice.chance(0.4)
  const needs: Permission[] = ['call:responses']
  let more: Json = {}
  let isStrange = false
  let kind = 'responses'
  const way = dice.next()
  if (way < 0.35) {
    const before = someId(asking, 'response')
    isStrange = before.isStrange
    kind += isStrange ? " after another's" : ' after one'
    more = { previous_response_id: before.id }
  } else if (way < 0.45) {
    needs.push('tools:web')
    kind += ' with tools:web'
    more = { tools: [{ type: 'web_search' }] }
  } else if (way < 0.5) {
    isStrange = true
    kind += ' with a conversation'
    more = { conversation: dice.pick(['conv_123456', { id: 'conv_123456' }]) as never }
  }
  const body = {
    model: 'gpt-6',
    max_output_tokens: max,
    stream,
    input: [{ role: 'user', content: marker }],
    ...more,
  }
  return {
    ...nothing,
    ...{ kind, path: '/v1/responses', needs, isStrange, stream },
    body: oddlyWritten(body, dice),
    isBeyond: limitsOf(client, 'gpt-6', max, 'openai'),
    isCall: true,
    makes: (_, text) =>
      [...new Set([...text.matchAll(/"id":"(resp_\w+)"/g)].map(([, id = '']) => id))].map(
        (id) => ['response', id] as const,
      ),
  }
}

function upload({ client, dice, marker }: Asking): Action {
  const form = new FormData()
  form.set('file', new Blob([`${marker} ${'x'.repeat(dice.size(200, 100_000))}`]), 'a.txt')
  return {
    ...nothing,
    ...{ kind: 'upload', path: '/v1/files', needs: ['files'], body: form },
    headers: { 'anthropic-version': '2023-06-01' },
    isBeyond: client.settings.targets !== undefined && !client.settings.targets.includes('claude'),
    makes: ({ id }) => [['file', String(id)]],
  }
}

function files(asking: Asking): Action {
  const { dice } = asking
  const base = { ...nothing, needs: ['files'] as const }
  if (dice.chance(0.4))
    return { ...base, kind: 'list files', method: 'GET', path: '/v1/files?limit=100', lists: 'file' }
  const { id, isStrange } = someId(asking, 'file')
  const isDelete = dice.chance(0.1)
  return {
    ...{ ...base, isStrange, names: id, path: `/v1/files/${id}`, method: isDelete ? 'DELETE' : 'GET' },
    kind: `${isDelete ? 'delete' : 'read'} ${isStrange ? "another's" : 'a'} file`,
    ...(isDelete && !isStrange && { deletes: id }),
  }
}

function batch(asking: Asking): Action {
  const { client, dice, marker } = asking
  const content: unknown[] = [{ type: 'text', text: marker }]
  const file = dice.chance(0.5) ? someId(asking, 'file') : undefined
  if (file !== undefined) content.push({ type: 'document', source: { type: 'file', file_id: file.id } })
  const params = { model: 'claude-sonnet-5-5', max_tokens: 20, messages: [{ role: 'user', content }] }
  const padding = dice.chance(0.2) ? 'y'.repeat(dice.int(200_000)) : 'Hello?'
  const first = { custom_id: 'file_1', params: { ...params, messages: [{ role: 'user', content: padding }] } }
  return {
    ...nothing,
    ...{
      kind: file?.isStrange ? "batch with another's file" : 'batch',
      path: '/v1/messages/batches',
      needs: ['batches'],
    },
    isStrange: file?.isStrange === true,
    ...(file !== undefined && { names: file.id }),
    isBeyond: client.settings.models !== undefined || client.settings.maxTokens !== undefined,
    body: oddlyWritten({ requests: [first, { custom_id: '2', params }] }, dice),
    makes: ({ id }) => [['batch', String(id)]],
  }
}

function batches(asking: Asking): Action {
  const { dice } = asking
  const base = { ...nothing, needs: ['batches'] as const, method: 'GET' }
  if (dice.chance(0.3))
    return { ...base, kind: 'list batches', path: '/v1/messages/batches?limit=100', lists: 'batch' }
  const { id, isStrange } = someId(asking, 'batch')
  const isResults = dice.chance(0.5)
  return {
    ...{ ...base, isStrange, path: `/v1/messages/batches/${id}${isResults ? '/results' : ''}` },
    kind: `read ${isResults ? 'results of ' : ''}${isStrange ? "another's" : 'a'} batch`,
  }
}

function models(): Action {
  return { ...nothing, kind: 'models', method: 'GET', path: '/v1/models', needs: ['models'] }
}
