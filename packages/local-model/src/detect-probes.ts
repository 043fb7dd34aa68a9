import type { JsonObject } from '@spillway/middleware/kit'
import type { Ask, Reply } from './detect-ask.ts'
import { isObject } from './request-fields.ts'

/** The model servers that can be told apart. */
export type LocalServerKind = 'ollama' | 'llama.cpp' | 'lm-studio' | 'vllm'

type Api = 'anthropic' | 'openai'

/** What a probe learns; see `LocalServer`. */
export interface ServerFacts {
  readonly models: readonly string[]
  readonly version?: string
  readonly apis: readonly Api[]
  readonly state: 'ready' | 'loading'
}

/** Resolves to undefined for anything that is not this kind of server. */
type Probe = (ask: Ask) => Promise<ServerFacts | undefined>

const both: readonly Api[] = ['anthropic', 'openai']

/** One probe for each kind. */
export const probes: Readonly<Record<LocalServerKind, Probe>> = {
  ollama: probeOllama,
  'llama.cpp': probeLlamaCpp,
  'lm-studio': probeLmStudio,
  vllm: probeVllm,
}

async function probeOllama(ask: Ask): Promise<ServerFacts | undefined> {
  const [root, version, tags] = await Promise.all([
    ask('GET', '/'),
    ask('GET', '/api/version'),
    ask('GET', '/api/tags'),
  ])
  if (root.status !== 200 || root.text.trim() !== 'Ollama is running') return undefined
  const number = text(version.json.version)
  if (number === undefined) return undefined
  return {
    models: names(tags.json.models, 'name'),
    version: number,
    apis: atLeast(number, [0, 14]) ? both : ['openai'],
    state: 'ready',
  }
}

async function probeLlamaCpp(ask: Ask): Promise<ServerFacts | undefined> {
  const health = await ask('GET', '/health')
  if (isLoading(health)) return { models: [], apis: both, state: 'loading' }
  if (health.status !== 200 || health.json.status !== 'ok') return undefined
  const [props, list, messages] = await Promise.all([
    ask('GET', '/props'),
    ask('GET', '/v1/models'),
    ask('POST', '/v1/messages/count_tokens'),
  ])
  const shown = 'default_generation_settings' in props.json || 'build_info' in props.json
  // With an API key, all but /health is closed.
  const locked =
    props.status === 401 && isObject(props.json.error) && props.json.error.type === 'authentication_error'
  if (!shown && !(health.server === 'llama.cpp' && locked)) return undefined
  const build = text(props.json.build_info)
  return {
    models: names(list.json.data, 'id'),
    ...(build === undefined ? {} : { version: build }),
    apis: apisByRoute(messages),
    state: 'ready',
  }
}

function isLoading({ status, json: { error } }: Reply): boolean {
  return (
    status === 503 &&
    isObject(error) &&
    error.type === 'unavailable_error' &&
    /loading model/i.test(`${error.message}`)
  )
}

/** Only its models tell it apart, so one without any is not found; it could not answer anyhow. */
async function probeLmStudio(ask: Ask): Promise<ServerFacts | undefined> {
  const [current, old] = await Promise.all([ask('GET', '/api/v1/models'), ask('GET', '/api/v0/models')])
  const models = objects(current.json.models) ?? []
  // Versions from 0.4 on list models by `key`, each with its loaded instances, and speak Anthropic Messages too.
  const isCurrent = models.length > 0 && models.every((model) => Array.isArray(model.loaded_instances))
  if (current.status === 200 && isCurrent) {
    const llms = models.filter((model) => model.type !== 'embedding')
    return { models: names(llms, 'key'), apis: both, state: 'ready' }
  }
  const data = objects(old.json.data) ?? []
  const isOld =
    data.length > 0 && data.every((model) => model.state === 'loaded' || model.state === 'not-loaded')
  if (old.status !== 200 || !isOld) return undefined
  const llms = data.filter((model) => model.type !== 'embeddings')
  return { models: names(llms, 'id'), apis: ['openai'], state: 'ready' }
}

async function probeVllm(ask: Ask): Promise<ServerFacts | undefined> {
  const [version, list] = await Promise.all([ask('GET', '/version'), ask('GET', '/v1/models')])
  const number = text(version.json.version)
  if (number === undefined) return undefined
  const owned = objects(list.json.data)?.some((model) => model.owned_by === 'vllm') ?? false
  // With an API key the list is closed, and the metrics are not.
  if (!owned && !(list.status === 401 && /^vllm:/m.test((await ask('GET', '/metrics')).text)))
    return undefined
  const messages = await ask('POST', '/v1/messages/count_tokens')
  return { models: names(list.json.data, 'id'), version: number, apis: apisByRoute(messages), state: 'ready' }
}

/** A route that is there refuses the empty body; one that is missing says so. */
function apisByRoute({ status }: Reply): readonly Api[] {
  return status === 0 || status === 404 || status === 405 || status === 501 ? ['openai'] : both
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function objects(value: unknown): readonly JsonObject[] | undefined {
  return Array.isArray(value) && value.every(isObject) ? value : undefined
}

function names(list: unknown, key: string): string[] {
  return (objects(list) ?? []).map((entry) => entry[key]).filter((name) => typeof name === 'string')
}

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return a > major || (a === major && b >= minor)
}
